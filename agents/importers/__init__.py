"""Importers: public labelled sets, as they are downloaded, become recordings.

`layout.py` knows the sets by name; each has a module of its own. docs/IMPORT.md describes them.
"""

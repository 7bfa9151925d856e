"""The one exception of this folder: what could not be decoded, said in a sentence."""


class SchemaError(ValueError):
    """Bad input. The message says what was found, what was expected and what to do."""

"""The codecs: foreign dialects in, our nouns out; bad input raises SchemaError."""

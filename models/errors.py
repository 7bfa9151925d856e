"""The one exception of this folder: a model, case or pattern file that cannot be used."""


class ModelError(ValueError):
    """Unusable file. The message says what was found, what was expected and what to do."""

"""The ranker that the configuration names, or the one that is shipped."""

from agents.files import ModelConfig, read_model
from models.ranker import LearnedRanker, load_ranker


def configured_ranker(config: ModelConfig) -> LearnedRanker:
    """Load the ranker of the [model] section.

    Raises:
        SettingsError: the file cannot be read or is not the expected one.
        ModelError: its content is no ranker of ours, or is damaged.
    """
    return load_ranker(read_model(config))

"""The ranker under test where none is trained: a file's, the shipped one, or the rules."""

from dataclasses import dataclass
from pathlib import Path

from agents.files import ModelConfig, read_model
from models.artefact import default_artefact, read_artefact
from models.ranker import load_ranker
from models.rules import RuleRanker
from schemas.candidate import Ranker

RULES = "rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A ranker by its bytes; None is the rule ranker, which needs none.

    `systems` are those whose cases it was trained on, None where it does not say.
    """

    artefact: bytes | None
    version: str
    systems: frozenset[str] | None

    def ranker(self) -> Ranker:
        """Load it."""
        return load_ranker(self.artefact) if self.artefact is not None else RuleRanker()


def subject_of(model: str | None, configured: ModelConfig) -> Subject:
    """Find the ranker that is asked for: a file's, "rules", or else the configured one.

    Raises:
        SettingsError: the file cannot be read.
        ModelError: it holds no ranker.
    """
    if model == RULES:
        return Subject(artefact=None, version=RULES, systems=frozenset())
    config = ModelConfig(path=Path(model)) if model is not None else configured
    data = read_model(config)
    data = default_artefact() if data is None else data
    artefact = read_artefact(data)
    systems = artefact.provenance.get("systems")
    return Subject(
        artefact=data,
        version=artefact.version,
        systems=frozenset(map(str, systems)) if isinstance(systems, list) else None,
    )

"""The trained ranker: a conditional logit over the candidates and "none of these", calibrated.

P(c | I) ~ exp(w . phi(c)) and P(none | I) ~ exp(b . psi(I)), phi and psi from models/features.py.
It is loaded from an artefact (models/artefact.py) and never changes afterwards.
"""

from models.answer import Parameters, answer
from models.artefact import Artefact, default_artefact, read_artefact
from models.pattern_catalogue import Catalogue, default_catalogue
from schemas.candidate import Diagnosis, Question


class LearnedRanker:
    """Rank by trained weights; callable Question -> Diagnosis."""

    def __init__(
        self, parameters: Parameters, *, version: str, catalogue: Catalogue | None = None
    ) -> None:
        self.version = version
        self.parameters = parameters
        self._catalogue = catalogue or default_catalogue()

    def __call__(self, question: Question) -> Diagnosis:
        """Answer a question."""
        return answer(question, self.parameters, self._catalogue, self.version)


def from_artefact(artefact: Artefact, catalogue: Catalogue | None = None) -> LearnedRanker:
    """Make the ranker that an artefact describes."""
    return LearnedRanker(artefact.parameters, version=artefact.version, catalogue=catalogue)


def load_ranker(data: bytes | None = None) -> LearnedRanker:
    """Load a ranker from an artefact's bytes, or the one that ships with Rootline.

    Raises:
        ModelError: The bytes are no artefact, are damaged, or are for other features.
    """
    return from_artefact(read_artefact(default_artefact() if data is None else data))

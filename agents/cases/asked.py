"""Holds what the engine last asked about each incident, until it is written beside the answer."""

from schemas.candidate import Diagnosis, Question, Ranker


class AskedQuestions:
    """A ranker that remembers: at most `limit` incidents, the least recently asked dropped.

    Nothing of it is in a snapshot: each question is written soon after it was asked, and a worker
    that starts again asks again.
    """

    def __init__(self, rank: Ranker, limit: int) -> None:
        self._rank = rank
        self._limit = limit
        self._last: dict[str, Question] = {}

    def __call__(self, question: Question) -> Diagnosis:
        """Answer a question and remember it."""
        # Taken out and put in again: the order of the dict is the order of use.
        self._last.pop(question.incident_id, None)
        self._last[question.incident_id] = question
        while len(self._last) > self._limit:
            del self._last[next(iter(self._last))]
        return self._rank(question)

    def take(self, incident_id: str) -> Question | None:
        """Hand out an incident's last question, once; None where none was asked since."""
        return self._last.pop(incident_id, None)

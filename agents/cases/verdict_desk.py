"""What becomes of a partition's verdicts: cases in its file, dead letters for the others.

Everything of a batch is on the disk when `handle` returns. A verdict that comes again changes
nothing, so offsets may be committed any time later.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from agents.cases.case_file import CaseFile, Standing
from agents.cases.errors import CasesError
from agents.cases.joining import case_of
from agents.cases.kept import decode_kept
from agents.telemetry import CaseMetrics
from agents.worker.dead_letter import Complaint, DeadLetters, Rejection
from agents.worker.stage import Incoming, Outgoing, arrival_ms
from models.cases import CaseRow
from models.pattern_catalogue import Catalogue
from schemas.codecs.limits import CodecLimits
from schemas.codecs.verdicts import decode_verdict
from schemas.errors import SchemaError
from schemas.verdict import Verdict

_log = logging.getLogger("worker")

STAGE = "verdicts"
Lookup = Callable[[str], bytes | None]
"""From an incident's id to its last question as it was kept, or None."""


class VerdictDesk:
    """The verdicts of one partition, and the file of cases that they make.

    Args:
        path: the partition's file: all verdicts on one incident are in one partition.
        lookup: finds the incident's last question.
        catalogue: which patterns there are.
        letters: makes dead letters.
        limits: what one verdict may hold.
        metrics: where to count.
    """

    def __init__(
        self,
        *,
        path: Path,
        lookup: Lookup,
        catalogue: Catalogue,
        letters: DeadLetters,
        limits: CodecLimits,
        metrics: CaseMetrics,
    ) -> None:
        self._file = CaseFile(path)
        self._lookup = lookup
        self._catalogue = catalogue
        self._letters = letters
        self._limits = limits
        self._metrics = metrics

    def handle(self, records: Sequence[Incoming], now_ms: int) -> list[Outgoing]:
        """Write the cases of a batch, and return the dead letters."""
        letters: list[Outgoing] = []
        told: Counter[str] = Counter()
        for record in records:
            # A record without a value is how a compacted topic forgets: nothing to learn.
            if record.value is None:
                continue
            complaint = self._judged(record, arrival_ms(record, now_ms), told)
            if complaint is not None:
                told["refused"] += 1
                letters.append(self._letters.letter(record, complaint))
        for outcome, count in told.items():
            self._metrics.verdicts.labels(outcome=outcome).inc(count)
        return letters

    def _judged(self, record: Incoming, arrived_ms: int, told: Counter[str]) -> Complaint | None:
        try:
            return self._one(record, arrived_ms, told)
        except CasesError:
            raise
        except Exception as error:
            # Or one message would stop the worker again and again.
            _log.exception(
                "handling a verdict has a bug; the verdict is kept as a dead letter",
                extra={"partition": record.partition, "offset": record.offset},
            )
            reason = (
                f"handling failed with {type(error).__name__}, which is a bug in Rootline; report "
                "it with this message, and send it again after an update"
            )
            return _complaint(Rejection.CODEC_BUG, reason)

    def _one(self, record: Incoming, arrived_ms: int, told: Counter[str]) -> Complaint | None:
        try:
            verdict = decode_verdict(
                record.value or b"", record.headers, received_ms=arrived_ms, limits=self._limits
            )
        except SchemaError as error:
            return _complaint(Rejection.UNDECODABLE, str(error))
        value = self._lookup(verdict.incident_id)
        if value is None:
            return _complaint(Rejection.UNKNOWN_INCIDENT, _unknown(verdict))
        try:
            row = case_of(verdict, decode_kept(value), self._catalogue)
        except SchemaError as error:
            return _complaint(Rejection.UNFIT_VERDICT, str(error))
        return self._settle(verdict, row, told)

    def _settle(self, verdict: Verdict, row: CaseRow, told: Counter[str]) -> Complaint | None:
        standing = self._file.standing(row)
        if standing is Standing.CONTRADICTORY:
            reason = (
                f"incident {verdict.incident_id} has a verdict of revision {verdict.revision} "
                "already, which says otherwise; send yours with a higher revision to overrule it"
            )
            return _complaint(Rejection.UNFIT_VERDICT, reason)
        if standing is Standing.NEW:
            # One at a time: the next verdict of the batch may be on the same incident.
            self._file.append([row])
            extra = {"incident_id": verdict.incident_id, "outcome": verdict.outcome.value}
            among = row.root is not None
            _log.info("a verdict became a case", extra=extra | {"among_candidates": among})
        told[standing.value] += 1
        return None


def _unknown(verdict: Verdict) -> str:
    return (
        f"no question is kept of incident {verdict.incident_id!r}: the id is wrong, the incident "
        "was too long ago, or nothing was asked about it yet; check the id and send the verdict "
        "again"
    )


def _complaint(rejection: Rejection, reason: str) -> Complaint:
    return Complaint(rejection=rejection, reason=reason, stage=STAGE)

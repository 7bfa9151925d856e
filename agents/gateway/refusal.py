"""Why a request is not taken: an HTTP status, a reason from a closed set, and a sentence."""

from enum import StrEnum


class Reason(StrEnum):
    """The label under which a refusal is counted."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    CUT_OFF = "cut_off"
    UNSUPPORTED = "unsupported"
    UNAUTHORIZED = "unauthorized"
    REPLAYED = "replayed"
    FORBIDDEN_ENVIRONMENT = "forbidden_environment"
    RATE_LIMITED = "rate_limited"
    NO_ROUTE = "no_route"
    OVERLOADED = "overloaded"
    KAFKA_UNAVAILABLE = "kafka_unavailable"
    KAFKA_TIMEOUT = "kafka_timeout"
    TOPIC_MISSING = "topic_missing"
    SHUTTING_DOWN = "shutting_down"
    BUG = "bug"


STATUS: dict[Reason, int] = {
    Reason.MALFORMED: 400,
    Reason.TOO_LARGE: 413,
    Reason.TOO_SLOW: 408,
    Reason.CUT_OFF: 400,
    Reason.UNSUPPORTED: 415,
    Reason.UNAUTHORIZED: 401,
    Reason.REPLAYED: 409,
    Reason.FORBIDDEN_ENVIRONMENT: 403,
    # OTLP senders and scripts repeat this one. Alertmanager's webhook does not, so that alerts
    # are answered with 503 in its place (intake.py).
    Reason.RATE_LIMITED: 429,
    Reason.NO_ROUTE: 404,
    # Everything that may pass is a 503: Alertmanager, Prometheus and OTLP senders repeat those,
    # and drop what is answered with a 4xx.
    Reason.OVERLOADED: 503,
    Reason.KAFKA_UNAVAILABLE: 503,
    Reason.KAFKA_TIMEOUT: 503,
    Reason.TOPIC_MISSING: 503,
    Reason.SHUTTING_DOWN: 503,
    Reason.BUG: 500,
}


class Refusal(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """Ends a request with the status of its reason and one sentence.

    Args:
        reason: why.
        sentence: the same in words.
        retry_after: seconds to wait, where more is known than the configured pause.
    """

    def __init__(self, reason: Reason, sentence: str, *, retry_after: int = 0) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.reason]

"""How an attempt ended: an HTTP status, or a failure that never reached a status.

Outcomes are plain integers since they are passed millions of times; below 100 they are failures
of the transport or of a resource in the caller's own process.
"""

OK = 200
UNAUTHORISED = 401
FORBIDDEN = 403
GONE = 410
TOO_LARGE = 413
TOO_MANY_REQUESTS = 429
SERVER_ERROR = 500
NOT_IMPLEMENTED = 501
UNAVAILABLE = 503
GATEWAY_TIMEOUT = 504

ABANDONED = 0  # the process that worked on it is gone; nobody will hear of it
TIMED_OUT = 1
REFUSED = 2
RESET = 3
TLS_FAILED = 4
POOL_TIMED_OUT = 5
TOO_MANY_CONNECTIONS = 6
STATEMENT_TIMED_OUT = 7
NOT_RESOLVED = 8
ABORTED = 9
READ_ONLY = 10
NO_SPACE = 11
ACCESS_DENIED = 12
LOCK_TIMED_OUT = 13
NOT_LEADER = 14
UNREADABLE = 15
NULL_POINTER = 17
DENIED = 18  # the service itself turns a request away: not allowed
LIMITED = 16  # the service itself turns a request away: too many

ERROR_TYPES = {
    TIMED_OUT: "timeout",
    REFUSED: "connection_refused",
    RESET: "connection_reset",
    TLS_FAILED: "SSLHandshakeException",
    POOL_TIMED_OUT: "SQLTransientConnectionException",
    TOO_MANY_CONNECTIONS: "too_many_connections",
    STATEMENT_TIMED_OUT: "statement_timeout",
    UNREADABLE: "ResponseDecodeError",
    NULL_POINTER: "NullPointerException",
    NOT_RESOLVED: "UnknownHostException",
    ABORTED: "deadlock_detected",
    READ_ONLY: "read_only_sql_transaction",
    NO_SPACE: "no_space_left",
    ACCESS_DENIED: "invalid_password",
    LOCK_TIMED_OUT: "lock_wait_timeout",
    NOT_LEADER: "NotLeaderOrFollowerException",
}

_RESPONSES = {
    TIMED_OUT: GATEWAY_TIMEOUT,
    STATEMENT_TIMED_OUT: SERVER_ERROR,
    POOL_TIMED_OUT: SERVER_ERROR,
    TOO_MANY_CONNECTIONS: SERVER_ERROR,
    REFUSED: UNAVAILABLE,
    RESET: 502,
    TLS_FAILED: 502,
    UNREADABLE: SERVER_ERROR,
    NOT_RESOLVED: 502,
    ABORTED: SERVER_ERROR,
    READ_ONLY: SERVER_ERROR,
    NO_SPACE: SERVER_ERROR,
    ACCESS_DENIED: SERVER_ERROR,
    LOCK_TIMED_OUT: SERVER_ERROR,
    NOT_LEADER: SERVER_ERROR,
    NULL_POINTER: SERVER_ERROR,
    DENIED: UNAUTHORISED,
    LIMITED: TOO_MANY_REQUESTS,
    UNAUTHORISED: SERVER_ERROR,
    FORBIDDEN: SERVER_ERROR,
    TOO_LARGE: SERVER_ERROR,
    GONE: 502,
    NOT_IMPLEMENTED: 502,
    TOO_MANY_REQUESTS: UNAVAILABLE,
}

RETRYABLE = frozenset({TIMED_OUT, REFUSED, RESET, NOT_RESOLVED, 502, UNAVAILABLE, GATEWAY_TIMEOUT})


def response_to(outcome: int) -> int:
    """Give the status that a service answers with when a step of its work ended so.

    >>> response_to(TIMED_OUT), response_to(503), response_to(500)
    (504, 503, 500)
    """
    return _RESPONSES.get(outcome, outcome)


def error_type_of(outcome: int) -> str:
    """Name the failure as instrumentation does in `error.type`; empty when there was none.

    >>> error_type_of(REFUSED), error_type_of(503), error_type_of(200)
    ('connection_refused', '503', '')
    """
    if outcome in ERROR_TYPES:
        return ERROR_TYPES[outcome]
    return str(outcome) if outcome >= 400 else ""

"""Whether an alert rule speaks of a cause or of a symptom, judged by the words of its name.

Cause-type rules name a resource or a state (saturation, down, OOM, certificate, disk);
symptom rules name what users feel (latency, errors, SLO).
"""

import re

from schemas.alert import Alert

_CAUSE = re.compile(
    r"cpu|throttl|memory|mem(?!ber)|oom|heap|gc|garbage|disk|filesystem|inode|volume|saturat|"
    r"exhaust|pool|connections?(?!.*slow)|threads?|down|absent|missing|crash|restart|ready|"
    r"unavailable|replica|cert|tls|expir|lag|backlog|queue|evict|deadlock|lock|slow.?quer|"
    r"conntrack|retrans|packet|network|node|pressure|quota|descriptor|limit|probe"
)
_SYMPTOM = re.compile(
    r"latency|slow(?!.?quer)|duration|response.?time|p9\d|error|5xx|4xx|fail|slo|burn|apdex"
)


def is_cause_type(alert: Alert) -> bool:
    """Whether the rule names a resource or state rather than what users feel.

    >>> from schemas.alert import AlertStatus
    >>> def an(rule): return Alert(fingerprint="0", status=AlertStatus.FIRING, starts_ms=0,
    ...                            labels=(("alertname", rule),))
    >>> [is_cause_type(an(r)) for r in ("MysqlTooManyConnections", "HighLatency", "PodDown")]
    [True, False, True]
    """
    name = alert.rule.lower()
    return bool(_CAUSE.search(name)) and not _SYMPTOM.search(name)

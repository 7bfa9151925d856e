"""Which family of the pattern catalogue a set's own fault type belongs to."""

import re

_FAMILIES = (
    (r"net|packet|loss|corrupt|partition|duplicat|socket", "network"),
    (r"disk|(^|[^a-z])io([^a-z]|$)|file", "storage"),
    (r"cpu|mem|oom|pod|kill|restart|crash", "k8s_workload"),
    (r"request|load|traffic|surge", "traffic"),
    (r"return|exception|delay|latency|error|code|login", "code"),
)
_COMPILED = tuple((re.compile(pattern), family) for pattern, family in _FAMILIES)


def family_of(fault: str) -> str:
    """Return the family, "" where the words of the fault type tell none.

    >>> family_of("network-delay"), family_of("[memory_anomalies]"), family_of("cpu_contention")
    ('network', 'k8s_workload', 'k8s_workload')
    >>> family_of("return"), family_of("moonlight")
    ('code', '')
    """
    for pattern, family in _COMPILED:
        if pattern.search(fault.lower()):
            return family
    return ""

"""Which callee an alert accuses: a client's alert about its calls names whom it calls."""

from pipeline.alert_topic import call_of
from pipeline.service_graph import ServiceGraph
from schemas.alert import Alert


def accused_by(alert: Alert, component: str, graph: ServiceGraph) -> str | None:
    """Return the callee that an alert on `component` names in a label, or None.

    Addresses count by their first name: `auth.shop.svc:8080` is `auth`.
    """
    call = call_of(alert)
    if call is not None and call.caller == component:
        return call.callee
    callees = frozenset(graph.callees(component))
    for _, value in alert.labels:
        host = value.split(":", 1)[0]
        for name in (value, host, host.split(".", 1)[0]):
            if name in callees and not graph.runs_on(component, name):
                return name
    return None

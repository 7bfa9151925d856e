"""Which environments a body speaks about, and whether its source may write them.

The environment is found as the worker will find it, by the same resolver over the same labels. A
body that speaks about a foreign one is refused as a whole: nothing of it gets to Kafka.
"""

import logging
from collections.abc import Iterable

from agents.gateway.gatekeeper import Visitor
from agents.gateway.refusal import Reason, Refusal
from schemas.resolve import Resolver
from schemas.telemetry import Labels

log = logging.getLogger(__name__)
_SHOWN = 3
_NAME_CHARS = 80


def check_territory(
    visitor: Visitor, origins: Iterable[Labels] | None, resolver: Resolver
) -> None:
    """Let a body pass if everything in it is of environments that its source may write.

    Args:
        visitor: who sent it.
        origins: the label sets in it; None when it could not be read.
        resolver: finds the environment of each.

    Raises:
        Refusal: something in it is of another environment, or nobody can tell.
    """
    allowed = visitor.environments
    if not allowed:
        return
    if origins is None:
        raise Refusal(
            Reason.FORBIDDEN_ENVIRONMENT,
            f"source {visitor.name} may write {_names(allowed)} only, and of which environment "
            "this body is cannot be told",
        )
    foreign = {resolver.environment(labels) for labels in origins} - allowed
    if not foreign:
        return
    log.warning(
        "a source sent something for an environment that it may not write",
        extra={"source": visitor.name, "environments": sorted(map(_short, foreign))[:_SHOWN]},
    )
    raise Refusal(
        Reason.FORBIDDEN_ENVIRONMENT,
        f"source {visitor.name} may write {_names(allowed)} only; this body speaks about "
        f"{_names(foreign)} and none of it was taken",
    )


def _names(environments: Iterable[str]) -> str:
    known = sorted(map(_short, environments))
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(known[:_SHOWN]) + more


def _short(name: str) -> str:
    return ascii(name if len(name) <= _NAME_CHARS else name[:_NAME_CHARS] + "...")

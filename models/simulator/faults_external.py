"""Faults of third parties beyond being slow or down."""

from models.simulator import victims_store
from models.simulator.external import External
from models.simulator.fault_spec import FaultSpec, Injected, Injection


def _external(injection: Injection) -> External:
    return injection.world.externals[injection.target]


def _limit(injection: Injection) -> Injected:
    """Let the third party answer fewer requests a second than it is sent."""
    external = _external(injection)
    wanted = external.asked / max(1.0, injection.world.env.now)
    external.allowed = max(0.02, injection.rng.uniform(0.1, 0.45) * wanted)

    def undo() -> None:
        external.allowed = 0.0

    return Injected(undo=undo)


def _garble(injection: Injection) -> Injected:
    """Let a share of the answers be something that nobody expects."""
    external = _external(injection)
    external.garbled = injection.rng.uniform(0.4, 0.95)

    def undo() -> None:
        external.garbled = 0.0

    return Injected(undo=undo)


def _retire(injection: Injection) -> Injected:
    """Let the third party take away an operation that is still used."""
    external = _external(injection)
    external.retired = injection.rng.uniform(0.5, 1.0)

    def undo() -> None:
        external.retired = 0.0

    return Injected(undo=undo)


def _cut_off(injection: Injection) -> Injected:
    """Let nothing that is sent to the third party arrive."""
    external = _external(injection)
    external.reachable = False

    def undo() -> None:
        external.reachable = True

    return Injected(undo=undo)


def _expire(injection: Injection) -> Injected:
    """Let the third party's certificate end."""
    external = _external(injection)
    external.certificate_expired = True

    def undo() -> None:
        external.certificate_expired = False

    return Injected(undo=undo)


EXTERNAL_FAULTS = (
    FaultSpec(
        name="external_limit",
        pattern="dependency.third_party_rate_limited",
        description="a third party answers only some requests a second, others with 429",
        kinds=("external",),
        eligible=victims_store.used_externals,
        inject=_limit,
    ),
    FaultSpec(
        name="external_garbage",
        pattern="dependency.third_party_bad_response",
        description="a third party's answers cannot be read",
        kinds=("external",),
        eligible=victims_store.used_externals,
        inject=_garble,
    ),
    FaultSpec(
        name="external_api_gone",
        pattern="dependency.third_party_api_change",
        description="a third party has taken an operation away",
        kinds=("external",),
        eligible=victims_store.used_externals,
        inject=_retire,
    ),
    FaultSpec(
        name="external_cut_off",
        pattern="dependency.unreachable",
        description="nothing that is sent to a third party arrives",
        kinds=("external",),
        eligible=victims_store.used_externals,
        inject=_cut_off,
    ),
    FaultSpec(
        name="external_certificate",
        pattern="security.cert_expired",
        description="a third party's certificate ends",
        kinds=("external",),
        eligible=victims_store.used_externals,
        inject=_expire,
    ),
)

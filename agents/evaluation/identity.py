"""What a recording is in an evaluation: its suite, system, case, and what must not be torn.

Read from the recording's provenance; what a simulated one does not say follows from its fault,
topology and seed. Names are used to group and to report, never to rank.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.cases import SOURCES
from schemas.recording import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a case is. `roots` is empty for a healthy recording.

    `group` is what stays on one side of a split; `fault` the fault's type; `family` its pattern
    family where known; `time_scale` how much faster than life it is played; `counted_as_root` are
    names that the set's published evaluation takes for the root.
    """

    case: str
    suite: str
    system: str
    group: str
    split: str = ""
    source: str = "real"
    fault: str = ""
    family: str = ""
    roots: tuple[str, ...] = ()
    counted_as_root: tuple[str, ...] = ()
    strata: Mapping[str, str] = field(default_factory=dict)
    start_ms: int
    end_ms: int
    fault_start_ms: int
    fault_end_ms: int
    time_scale: float = 1.0

    @property
    def healthy(self) -> bool:
        """Say whether nothing was wrong."""
        return not self.roots

    def right_answers(self, protocol: str) -> tuple[str, ...]:
        """Name whoever is right to be named, which the published protocol may see more widely."""
        return (*self.roots, *self.counted_as_root) if protocol == "published" else self.roots

    @property
    def key(self) -> str:
        """Name the case among all suites."""
        return f"{self.suite}/{self.case}"


def identity_of(recording: Recording) -> Identity:
    """Read who a recording is; one whose truth nobody knows must not be asked."""
    assert recording.truth is not None, "only recordings with a truth are evaluated"
    said = recording.provenance
    faults = sorted(recording.truth, key=lambda f: (f.start_ms, f.component))
    named = {**_names_of_simulated(said), **{k: v for k, v in said.items() if v not in ("", None)}}
    case = str(named.get("case") or f"{recording.environment}-{recording.start_ms}")
    suite = str(named.get("suite") or recording.environment)
    roots = tuple(dict.fromkeys(f.component for f in faults))
    return Identity(
        case=case,
        suite=suite,
        system=str(named.get("system") or suite),
        group=str(named.get("group") or case),
        split=str(named.get("split") or ""),
        source=str(named["kind"]) if named.get("kind") in SOURCES else "real",
        fault=faults[0].pattern if faults else "",
        family=_family(faults[0].details, faults[0].pattern, named) if faults else "",
        roots=roots,
        counted_as_root=_counted_as(roots, named.get("same_as")),
        strata=_strata(named.get("strata")),
        start_ms=recording.start_ms,
        end_ms=recording.end_ms,
        fault_start_ms=faults[0].start_ms if faults else recording.start_ms,
        fault_end_ms=max(f.end_ms for f in faults) if faults else recording.end_ms,
        time_scale=float(named.get("time_scale") or 1.0),
    )


def _names_of_simulated(said: Mapping[str, Any]) -> dict[str, Any]:
    if said.get("kind") != "simulated":
        return {}
    fault, topology, seed = (str(said.get(k, "")) for k in ("fault", "topology", "seed"))
    return {
        "case": f"{fault}/{seed}",
        "suite": f"simulated/{topology}",
        # Every random topology is a system of its own.
        "system": f"{topology}/{seed}" if topology == "random" else topology,
        "group": f"{fault}/{seed}",
    }


def _family(details: Mapping[str, str], pattern: str, named: Mapping[str, Any]) -> str:
    if "family" in details:
        return details["family"]
    # A simulated fault's pattern is one of the catalogue: family.sub.name.
    family, dot, _ = pattern.partition(".")
    return family if dot and named.get("kind") == "simulated" else ""


def _counted_as(roots: tuple[str, ...], same_as: Any) -> tuple[str, ...]:
    if not isinstance(same_as, dict):
        return ()
    return tuple(sorted(str(name) for name, whom in same_as.items() if whom in roots))


def _strata(found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        return {}
    return {str(name): str(value) for name, value in sorted(found.items())}

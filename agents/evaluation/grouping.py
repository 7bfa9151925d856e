"""Grouping measured on storms of known truth: recordings overlaid, the engine run, figures given.

`evaluate --grouping` calls `evaluate_grouping` and puts its answer into the report as it is.
"""

import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agents.offline import OfflineConfig, run_offline
from models.grouping_metrics import ari, judge
from models.overlay import Overlay, OwnedAlert, overlay
from models.rules import RuleRanker
from pipeline.outputs import IncidentPublished, Output
from schemas.candidate import Ranker
from schemas.incident import IncidentStatus
from schemas.recording import Recording

OFFSETS_S = (0.0, 60.0, 180.0)
MAX_STORMS = 60
"""Storms run for one number of faults; more are drawn from by the seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """Which recordings are overlaid, and how far apart their faults begin."""

    recordings: tuple[Recording, ...]
    offsets_s: tuple[float, ...]
    healthy: tuple[Recording, ...]


def evaluate_grouping(
    recordings: Sequence[Recording],
    *,
    faults: Sequence[int] = (1, 2),
    seed: int = 0,
    config: OfflineConfig | None = None,
    done: Callable[[float], None] = lambda share: None,
) -> dict[str, Any]:
    """Overlay what lies in one world, run the engine over each storm and sum up.

    Args:
        recordings: any; those with one fault are overlaid, those with none are healthy noise.
        faults: how many faults storms have; figures are given for each number.
        seed: draws the storms where there are more than `MAX_STORMS`, and their offsets.
        config: the engine's.
        done: is told the share that is done.

    Returns:
        {"1": {"storms": n, "ari": x, ..., "cases": [...]}, "2": ...}, all JSON-able. A storm in
        which a fault raises no alert of its own is no storm of so many faults: it is counted as
        incomplete and judged in no figure.
    """
    storms = {n: draw_storms(recordings, faults=n, seed=seed) for n in faults}
    whole = max(1, sum(len(drawn) for drawn in storms.values()))
    count = itertools.count(1)
    answer: dict[str, Any] = {}
    for number, drawn in storms.items():
        cases = []
        for storm in drawn:
            cases.append(run_storm(storm, config=config))
            done(next(count) / whole)
        complete = [case for case in cases if case["faults"] == number]
        answer[str(number)] = {
            "storms": len(cases),
            **_summary(complete),
            "incomplete": len(cases) - len(complete),
            "cases": complete,
        }
    return answer


def draw_storms(recordings: Sequence[Recording], *, faults: int, seed: int) -> list[Storm]:
    """Draw storms of so many faults, each within one world and on different components."""
    worlds: dict[str, list[Recording]] = {}
    for recording in recordings:
        worlds.setdefault(world_of(recording), []).append(recording)
    draw = random.Random(f"{seed}/{faults}")
    chosen: list[tuple[str, tuple[Recording, ...]]] = []
    for name in sorted(worlds):
        broken = [r for r in worlds[name] if r.truth and len(r.truth) == 1]
        groups = itertools.combinations(broken, faults)
        chosen += [(name, g) for g in groups if len({_root(r) for r in g}) == faults]
    if len(chosen) > MAX_STORMS:
        chosen = [chosen[i] for i in sorted(draw.sample(range(len(chosen)), MAX_STORMS))]
    storms = []
    for name, group in chosen:
        ordered = draw.sample(group, faults)
        apart = itertools.accumulate(draw.choice(OFFSETS_S) for _ in ordered[1:])
        storms.append(
            Storm(
                recordings=tuple(ordered),
                offsets_s=(0.0, *apart),
                healthy=tuple(r for r in worlds[name] if r.truth == ()),
            )
        )
    return storms


def run_storm(
    storm: Storm, *, rank: Ranker | None = None, config: OfflineConfig | None = None
) -> dict[str, Any]:
    """Overlay one storm, run the engine over it and judge how its alerts were grouped."""
    laid = overlay(storm.recordings, offsets_s=storm.offsets_s, healthy=storm.healthy)
    # Grouping does not ask the ranker, so the cheapest one answers.
    run = run_offline(laid.recording, rank or RuleRanker(), config=config)
    return {
        "truth": [f"{f.pattern} on {f.component}" for f in laid.faults],
        "offsets_s": list(storm.offsets_s),
        **figures_of(laid, run.outputs),
    }


def figures_of(laid: Overlay, outputs: Iterable[Output]) -> dict[str, Any]:
    """Judge the engine's outputs over an overlaid recording.

    An alert that several faults raised has no one right place, so it counts for neither; the
    adjusted Rand index with such alerts given to the fault that began first is told beside.
    """
    found = incident_of(outputs)
    clear = [alert for alert in laid.alerts if len(alert.owners) < 2]
    truth = [_owner(alert) for alert in clear]
    places = [found.get(alert.fingerprint) for alert in clear]
    everyone = [_first_owner(alert, laid) for alert in laid.alerts]
    everywhere = [found.get(alert.fingerprint) for alert in laid.alerts]
    return {
        **asdict(judge(truth, places)),
        "shared_alerts": len(laid.alerts) - len(clear),
        "ari_shared_to_first": ari(everyone, everywhere),
    }


def incident_of(outputs: Iterable[Output]) -> dict[str, str]:
    """Return in which incident each fingerprint ended: the first of those not merged away."""
    last = {
        o.incident.incident_id: o.incident for o in outputs if isinstance(o, IncidentPublished)
    }
    stayed = [i for i in last.values() if i.status is not IncidentStatus.MERGED]
    places: dict[str, str] = {}
    for incident in sorted(stayed, key=lambda i: (i.started_at, i.incident_id)):
        for alert in incident.alerts:
            places.setdefault(alert.fingerprint, incident.incident_id)
    return places


def world_of(recording: Recording) -> str:
    """Name what a recording may be overlaid with: one system, and of a simulated one one seed.

    A simulated system's seed draws its instances' names, so another seed is another world.
    """
    facts = recording.provenance
    if facts.get("kind") == "simulated":
        return f"{facts.get('topology')}/{facts.get('seed')}"
    return str(facts.get("system") or facts.get("set") or recording.environment)


def _root(recording: Recording) -> str:
    return recording.truth[0].component if recording.truth else ""


def _owner(alert: OwnedAlert) -> int | None:
    return alert.owners[0] if alert.owners else None


def _first_owner(alert: OwnedAlert, laid: Overlay) -> int | None:
    return min(alert.owners, key=lambda i: (laid.faults[i].start_ms, i), default=None)


_MEANS = (
    *("ari", "ari_shared_to_first", "bcubed_precision", "bcubed_recall", "pairwise_precision"),
    *("split_rate", "merge_rate"),
)
_SUMS = (
    *("alerts", "faults", "incidents", "missed", "split_faults", "merged_incidents"),
    *("noise_alerts", "shared_alerts"),
)


def _summary(cases: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over storms, sums of counts; noise is pooled, reduction is of storms that have it."""
    means = {key: _mean([case[key] for case in cases]) for key in _MEANS}
    sums = {key: sum(case[key] for case in cases) for key in _SUMS}
    noisy = [case for case in cases if case["noise_alerts"]]
    kept = math.fsum(case["noise_kept_out"] * case["noise_alerts"] for case in noisy)
    precise = [case["reduction"] for case in cases if case["reduction"] is not None]
    return {
        **means,
        **sums,
        "noise_kept_out": kept / sums["noise_alerts"] if sums["noise_alerts"] else None,
        "reduction": _mean(precise),
        "reduction_storms": len(precise),
    }


def _mean(numbers: Iterable[float]) -> float | None:
    real = [n for n in numbers if not math.isnan(n)]
    return math.fsum(real) / len(real) if real else None

"""Recordings made worse in one named way, to measure how answers fall with what is missing.

A perturbation is Recording -> Recording with a level and a seed: the same three give the same
recording, and a higher level of the same seed takes away what a lower one did. The truth stays.
Level 0 changes nothing.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.alert_firings import Firing, messages_of, read_firings
from models.hidden_root import hide_root
from schemas.codecs.future import keep_spans
from schemas.recording import Recording

_MIX = np.uint64(0x9E3779B97F4A7C15)
_HOST_LABELS = ("host.name", "k8s.node.name", "host.id", "k8s.pod.name", "service.instance.id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Perturbation:
    """One way to make a recording worse, what its level means, and the levels to try."""

    name: str
    unit: str
    levels: tuple[float, ...]
    apply: Callable[[Recording, float, int], Recording]


def perturb(recording: Recording, name: str, *, level: float, seed: int) -> Recording:
    """Apply one named perturbation."""
    if name not in PERTURBATIONS:
        msg = f"there is no perturbation {name!r}; choose one of {', '.join(PERTURBATIONS)}"
        raise ValueError(msg)
    if level < 0:
        msg = f"level {level} of {name} must not be negative"
        raise ValueError(msg)
    if level == 0:
        return recording
    worse = PERTURBATIONS[name].apply(recording, level, seed)
    note = {"name": name, "level": level, "seed": seed}
    return replace(worse, provenance={**recording.provenance, "perturbed": note})


def drop_spans(recording: Recording, share: float, seed: int) -> Recording:
    """Drop this share of the traces, whole, as a head sampler does that goes by trace id."""
    spans = recording.spans
    if spans is None:
        return recording
    lot = _lots(spans.trace_lo ^ (spans.trace_hi * _MIX), seed)
    return replace(recording, spans=keep_spans(spans, lot >= share))


def lose_edges(recording: Recording, share: float, seed: int) -> Recording:
    """Lose this share of the declared edges (those that spans show are still learnt)."""
    return _with_edges(recording, seed, lambda edge, lot: None if lot < share else edge)


def reverse_edges(recording: Recording, share: float, seed: int) -> Recording:
    """Declare this share of the edges the wrong way round."""

    def reversed_(edge: dict[str, Any], lot: float) -> dict[str, Any]:
        swapped = {**edge, "caller": edge["callee"], "callee": edge["caller"]}
        return swapped if lot < share else edge

    return _with_edges(recording, seed, reversed_)


def skew_clocks(recording: Recording, seconds: float, seed: int) -> Recording:
    """Set each host's clock wrong by a draw of N(0, seconds); its spans tell the wrong time.

    Metrics and alerts keep their times: they are dated by the monitoring server's clock.
    """
    spans = recording.spans
    if spans is None:
        return recording
    skews = [_skew_ns(dict(resource), seconds, seed) for resource in spans.resources]
    shift = np.array(skews, np.int64)[spans.resource]
    return replace(
        recording,
        spans=replace(spans, start_ns=spans.start_ns + shift, end_ns=spans.end_ns + shift),
    )


def lose_alerts(recording: Recording, share: float, seed: int) -> Recording:
    """Lose this share of the alerts, each with its end."""
    return _with_firings(
        recording, seed, lambda firing, draw: None if draw.random() < share else firing
    )


def delay_alerts(recording: Recording, seconds: float, seed: int) -> Recording:
    """Deliver each message later by an exponential draw with this mean; its dates stay."""

    def late(firing: Firing, draw: random.Random) -> Firing:
        start_ms, end_ms = (round(draw.expovariate(1.0) * seconds * 1000) for _ in range(2))
        return replace(
            firing,
            told_ms=None if firing.told_ms is None else firing.told_ms + start_ms,
            end_told_ms=None
            if firing.end_told_ms is None
            else max(firing.end_told_ms + end_ms, (firing.told_ms or 0) + start_ms),
        )

    return _with_firings(recording, seed, late)


def begin_late(recording: Recording, seconds: float, seed: int) -> Recording:
    """Let every alert begin and be told this much later, as slower rules would.

    One that ends before it would then begin is never raised.
    """
    late_ms = round(seconds * 1000)

    def later(firing: Firing, draw: random.Random) -> Firing | None:
        starts_ms = firing.starts_ms + late_ms
        if firing.ends_ms is not None and firing.ends_ms <= starts_ms:
            return None
        told_ms = None if firing.told_ms is None else firing.told_ms + late_ms
        return replace(firing, starts_ms=starts_ms, told_ms=told_ms)

    return _with_firings(recording, seed, later)


def without_spans(recording: Recording, level: float, seed: int) -> Recording:
    """Take away all spans."""
    return replace(recording, spans=None)


def without_metrics(recording: Recording, level: float, seed: int) -> Recording:
    """Take away all metrics."""
    return replace(recording, metrics=None)


def without_changes(recording: Recording, level: float, seed: int) -> Recording:
    """Take away all changes."""
    return replace(recording, changes=())


def without_root(recording: Recording, level: float, seed: int) -> Recording:
    """Take away all that the root itself sends and all alerts on it."""
    return hide_root(recording)


_SWITCH = (0.0, 1.0)
_SHARES = (0.0, 0.1, 0.3, 0.5)
PERTURBATIONS: Mapping[str, Perturbation] = {
    p.name: p
    for p in (
        Perturbation(
            name="spans_dropped",
            unit="share of traces",
            levels=(0.0, 0.25, 0.5, 0.75, 0.9, 0.99),
            apply=drop_spans,
        ),
        Perturbation(
            name="edges_missing", unit="share of edges", levels=_SHARES, apply=lose_edges
        ),
        Perturbation(
            name="edges_reversed", unit="share of edges", levels=_SHARES, apply=reverse_edges
        ),
        Perturbation(
            name="clock_skew",
            unit="standard deviation in seconds",
            levels=(0.0, 0.1, 1.0, 10.0, 60.0),
            apply=skew_clocks,
        ),
        Perturbation(
            name="alerts_lost", unit="share of alerts", levels=_SHARES, apply=lose_alerts
        ),
        Perturbation(
            name="alerts_delayed",
            unit="mean in seconds",
            levels=(0.0, 30.0, 60.0),
            apply=delay_alerts,
        ),
        Perturbation(
            name="late_onset", unit="seconds", levels=(0.0, 30.0, 60.0, 180.0), apply=begin_late
        ),
        Perturbation(name="spans_gone", unit="all", levels=_SWITCH, apply=without_spans),
        Perturbation(name="metrics_gone", unit="all", levels=_SWITCH, apply=without_metrics),
        Perturbation(name="changes_gone", unit="all", levels=_SWITCH, apply=without_changes),
        Perturbation(name="root_hidden", unit="all", levels=_SWITCH, apply=without_root),
    )
}
"""Every perturbation by name."""


def _lots(keys: NDArray[np.uint64], seed: int) -> NDArray[np.float64]:
    """Draw a number in [0, 1) for each key, the same for equal keys (splitmix64)."""
    with np.errstate(over="ignore"):
        mixed = (keys + np.uint64(seed + 1) * _MIX) * _MIX
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
    return mixed.astype(np.float64) / 2.0**64


def _skew_ns(resource: dict[str, str], seconds: float, seed: int) -> int:
    host = next((resource[k] for k in _HOST_LABELS if k in resource), "")
    if not host:
        return 0
    return round(random.Random(f"{seed}/{host}").gauss(0.0, seconds) * 1e9)


def _with_edges(
    recording: Recording,
    seed: int,
    change: Callable[[dict[str, Any], float], dict[str, Any] | None],
) -> Recording:
    graph = recording.graph
    if graph is None or not isinstance(graph.get("edges"), list):
        return recording
    changed = []
    for edge in graph["edges"]:
        lot = random.Random(f"{seed}/{edge['caller']}/{edge['callee']}").random()
        kept = change(edge, lot)
        if kept is not None:
            changed.append(kept)
    return replace(recording, graph={**graph, "edges": changed})


def _with_firings(
    recording: Recording,
    seed: int,
    change: Callable[[Firing, random.Random], Firing | None],
) -> Recording:
    firings = []
    for firing in read_firings(recording.alerts, 0):
        draw = random.Random(f"{seed}/{firing.fingerprint}/{firing.starts_ms}")
        changed = change(firing, draw)
        if changed is not None:
            firings.append(changed)
    return replace(recording, alerts=messages_of(firings, recording.end_ms))

"""Recordings of one system laid over each other in time: storms whose truth is known.

Stands in for the recording of two faults at once, which nobody has: each recording is shifted so
that its fault starts at the chosen distance from the first one's. Which telemetry comes from where
is decided in overlay_metrics.py and overlay_spans.py. Same arguments, same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson

from models.alert_firings import Firing, join_firings, messages_of, read_firings
from models.overlay_layer import Layer
from models.overlay_metrics import lay_metrics
from models.overlay_spans import lay_spans
from schemas.codecs.changes import decode_change
from schemas.errors import SchemaError
from schemas.recording import Fault, Message, Recording

MAX_RECORDINGS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnedAlert:
    """Whose an alert is: the places of the faults that raised it, sorted; () is noise.

    `starts_ms` is when it first fired in the overlaid recording.
    """

    fingerprint: str
    starts_ms: int
    owners: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One overlaid recording, its faults in the order given, and whose each alert is."""

    recording: Recording
    faults: tuple[Fault, ...]
    alerts: tuple[OwnedAlert, ...]


def overlay(
    recordings: Sequence[Recording],
    *,
    offsets_s: Sequence[float],
    healthy: Sequence[Recording] = (),
) -> Overlay:
    """Lay recordings with one fault each over each other, with healthy noise alerts.

    Shifts are whole multiples of the resolution, so that samples of one series stay in step. The
    result begins with the layer that begins first and ends with the one that ends first.

    An alert is owned by the layer that raised it at or after its fault's start; one that a healthy
    recording raises too, or that was raised before the fault, is noise. Firings of one alert that
    touch become one firing, and an alert that several layers raised is owned by all of them.

    Args:
        recordings: one to three of one system (same components, same environment).
        offsets_s: seconds from the first fault's start to each one's; the first is 0.
        healthy: recordings without a fault. Their alerts are added as noise (without telemetry)
            and tell which alerts of the layers are noise.
    """
    layers = _layers(recordings, offsets_s)
    base = layers[0].recording
    start_ms, end_ms = min(x.start_ms for x in layers), min(x.end_ms for x in layers)
    firings = [f for f in _firings(layers, healthy) if f.starts_ms < end_ms]
    faults = tuple(x.fault for x in layers)
    recording = replace(
        base,
        start_ms=start_ms,
        end_ms=end_ms,
        provenance=_provenance(layers, healthy),
        alerts=messages_of(firings, end_ms),
        changes=_changes(layers, end_ms),
        diagnostics=_diagnostics(layers, end_ms),
        metrics=lay_metrics(layers, start_ms, end_ms),
        spans=lay_spans(layers, start_ms, end_ms),
        graph=next((x.recording.graph for x in layers if x.recording.graph is not None), None),
        truth=faults,
    )
    return Overlay(recording=recording, faults=faults, alerts=_ownership(firings))


def _layers(recordings: Sequence[Recording], offsets_s: Sequence[float]) -> list[Layer]:
    if not 1 <= len(recordings) <= MAX_RECORDINGS or len(offsets_s) != len(recordings):
        msg = (
            f"an overlay was asked of {len(recordings)} recordings with {len(offsets_s)} offsets, "
            f"expected one to {MAX_RECORDINGS} recordings and an offset for each"
        )
        raise ValueError(msg)
    layers: list[Layer] = []
    for recording, offset_s in zip(recordings, offsets_s, strict=True):
        if recording.truth is None or len(recording.truth) != 1:
            found = "unknown" if recording.truth is None else f"{len(recording.truth)} faults"
            msg = f"a recording to overlay has {found}, expected exactly one fault in its truth"
            raise ValueError(msg)
        (fault,) = recording.truth
        first_ms = layers[0].fault.start_ms if layers else fault.start_ms
        step_ms = max(1, round(recording.resolution_seconds * 1000))
        wanted_ms = first_ms + round(offset_s * 1000) - fault.start_ms
        shift_ms = round(wanted_ms / step_ms) * step_ms
        layers.append(Layer.of(recording, fault, shift_ms))
    return layers


def _firings(layers: Sequence[Layer], healthy: Sequence[Recording]) -> list[Firing]:
    """Every alert of the layers and of the healthy recordings, each firing with its owners."""
    start_ms = layers[0].start_ms
    calm = [
        firing for one in healthy for firing in read_firings(one.alerts, start_ms - one.start_ms)
    ]
    noise = {firing.fingerprint for firing in calm}
    raised = [
        replace(firing, owners=(place,))
        if firing.fingerprint not in noise and firing.starts_ms >= layer.fault.start_ms
        else firing
        for place, layer in enumerate(layers)
        for firing in read_firings(layer.recording.alerts, layer.shift_ms)
    ]
    return join_firings([*raised, *calm])


def _ownership(firings: Sequence[Firing]) -> tuple[OwnedAlert, ...]:
    """One entry an alert: what fires again belongs to everybody who raised it."""
    starts: dict[str, int] = {}
    owners: dict[str, set[int]] = {}
    for firing in firings:
        name = firing.fingerprint
        starts[name] = min(starts.get(name, firing.starts_ms), firing.starts_ms)
        owners.setdefault(name, set()).update(firing.owners)
    return tuple(
        OwnedAlert(fingerprint=name, starts_ms=starts[name], owners=tuple(sorted(owners[name])))
        for name in sorted(starts)
    )


def _changes(layers: Sequence[Layer], end_ms: int) -> tuple[Message, ...]:
    """All changes, each once: what the first layer has too is no other layer's."""
    seen: set[str] = set()
    messages: list[Message] = []
    for layer in layers:
        ids = set()
        for message in layer.recording.changes:
            try:
                change = decode_change(message.value, received_ms=message.arrived_ms)
            except SchemaError:
                continue  # what cannot be decoded cannot be shifted
            ids.add(change.change_id)
            if change.change_id in seen:
                continue
            content = {
                "id": f"{change.change_id}/{layer.shift_ms}",
                "kind": change.kind.value,
                "labels": dict(change.labels),
                "at": change.at_ms + layer.shift_ms,
                "title": change.title,
                "version": change.version,
                "author": change.author,
            }
            arrived_ms = message.arrived_ms + layer.shift_ms
            messages.append(Message(arrived_ms=arrived_ms, value=orjson.dumps(content)))
        seen |= ids
    kept = [m for m in messages if m.arrived_ms < end_ms]
    return tuple(sorted(kept, key=lambda m: (m.arrived_ms, m.value)))


def _diagnostics(layers: Sequence[Layer], end_ms: int) -> tuple[Message, ...]:
    moved = [
        Message(arrived_ms=m.arrived_ms + layer.shift_ms, value=m.value)
        for layer in layers
        for m in layer.recording.diagnostics
    ]
    kept = [m for m in moved if m.arrived_ms < end_ms]
    return tuple(sorted(kept, key=lambda m: (m.arrived_ms, m.value)))


def _provenance(layers: Sequence[Layer], healthy: Sequence[Recording]) -> dict[str, object]:
    return {
        "kind": "overlaid",
        "layers": [layer.recording.provenance for layer in layers],
        "shifts_ms": [layer.shift_ms for layer in layers],
        "healthy": [one.provenance for one in healthy],
    }

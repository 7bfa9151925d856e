"""What a candidate's own spans say: slower in itself, failing by itself, waiting for something."""

from pipeline.blocks.block import Block, milliseconds, percent, ramp
from pipeline.case_view import CaseView
from pipeline.service_reading import ServiceReading
from schemas.candidate import Evidence, Reference


def measure_spans(case: CaseView, name: str) -> Block:
    """Measure a candidate's spans; one without spans has no data here."""
    reading = case.scene.service(name)
    block = Block()
    if reading is None:
        return block
    growth = case.self_growth_ms
    origin = case.origin_errors
    failing = reading.error_excess > 0.0
    block.measures |= {
        "span_latency_ratio": max(reading.latency_ratio, reading.tail_ratio),
        "span_error_rate": reading.error_excess,
        "self_time_delta": reading.self_delta_ms,
        "self_time_share": reading.self_growth_ms / growth if growth > 0 else 0.0,
        "wait_share": reading.wait_share,
        "error_origin": reading.origin_errors / origin if origin and failing else 0.0,
    }
    _add_evidence(block, reading)
    return block


def _add_evidence(block: Block, reading: ServiceReading) -> None:
    traces = tuple(
        Reference(kind="trace", id=t) for t in sorted({e.trace_id for e in reading.exemplars})[:3]
    )
    slower_ms = reading.latency_ms - reading.baseline_latency_ms
    if reading.latency_ratio > 0.4 and slower_ms > 5:
        block.evidence.append(
            Evidence(
                kind="latency_up",
                strength=ramp(reading.latency_ratio, 0.3, 2.0),
                statement=(
                    f"its median response takes {milliseconds(reading.latency_ms)}, "
                    f"usually {milliseconds(reading.baseline_latency_ms)}"
                ),
                references=traces,
            )
        )
    if reading.self_delta_ms > 5 and block.measures["self_time_share"] > 0.2:
        block.evidence.append(
            Evidence(
                kind="self_time_up",
                strength=ramp(block.measures["self_time_share"], 0.1, 0.7),
                statement=(
                    f"{milliseconds(reading.self_delta_ms)} more per request are spent in itself, "
                    f"{percent(block.measures['self_time_share'])} of all extra time"
                ),
                references=traces,
            )
        )
    if reading.error_excess > 0.02:
        share = block.measures["error_origin"]
        block.evidence.append(
            Evidence(
                kind="errors_up",
                strength=ramp(reading.error_excess, 0.0, 0.3) * (0.3 + 0.7 * share),
                statement=(
                    f"{percent(reading.error_rate)} of its requests fail, "
                    f"{percent(share)} of the incident's errors begin in it"
                ),
                references=traces,
            )
        )
    if reading.wait_share > 0.2:
        block.evidence.append(
            Evidence(
                kind="pool_waiting",
                strength=ramp(reading.wait_share, 0.1, 0.6),
                statement=f"{percent(reading.wait_share)} of its time it waits for a pool or lock",
                references=traces,
            )
        )

"""The earliest open window: a heap must say what a search through all groups says."""

import random

from models.rules import RuleRanker
from pipeline.config import FiringConfig, GroupingConfig, PipelineConfig
from pipeline.engine import Engine
from tests.pipeline.builders import T0, an_alert, healthy_then_slow

CONFIG = PipelineConfig(
    grouping=GroupingConfig(gap_seconds=40, max_age_seconds=120, max_groups=12, max_alerts=6),
    firing=FiringConfig(quiet_seconds=20, reopen_seconds=60),
)


def searched(engine: Engine, start_ms: int) -> int:
    groups = engine.desk.groups.by_id.values()
    return min([*(g.first_ms for g in groups if g.is_active and not g.window_closed), start_ms])


def test_the_earliest_open_window_is_what_a_search_finds_through_storms_ends_and_restores():
    draw = random.Random(11)
    engine = Engine("test", CONFIG, RuleRanker())
    for signal in healthy_then_slow():
        engine.handle(signal, signal.observed_ms + 1_000)
    fired: list[tuple[str, float]] = []
    seen = set()
    for step in range(1_200):
        at_s = step * 0.9
        if fired and draw.random() < 0.45:
            service, started_s = fired.pop(draw.randrange(len(fired)))
            signal = an_alert(service, at_s=started_s, ends_s=at_s)
        else:
            service = draw.choice(("api", "cart", "db", f"s{draw.randrange(30)}"))
            back_s = draw.choice((0.0, 0.0, 25.0))
            signal = an_alert(service, rule=f"R{draw.randrange(4)}", at_s=max(0.0, at_s - back_s))
            fired.append((service, max(0.0, at_s - back_s)))
        engine.handle(signal, T0 + int(at_s * 1000) + 500)
        start_ms = T0 + int(at_s * 1000)
        assert engine.desk.groups.anchor(start_ms) == searched(engine, start_ms)
        seen.add(engine.desk.groups.anchor(start_ms))
        if step % 400 == 399:
            again = Engine("test", CONFIG, RuleRanker())
            again.restore(engine.snapshot())
            engine = again
    assert len(seen) > 20, "windows opened and closed all the time"

"""Questions with a known structure: a root that misbehaves inside, callers that suffer outside.

A fault decides which inner measure rises at the root and how callers see it; noise is added to
everyone. Nothing of it ships: it only shows that training can learn what is there.
"""

import random

from models.cases import CaseLabel, CaseRow, row_of
from models.pattern_catalogue import default_catalogue
from schemas.candidate import Candidate, Evidence, Question
from schemas.component import Component, ComponentKind

FAULTS = {
    # fault: (kind, inner measure, what callers see, evidence, pattern)
    "pool": ("database", "z_pool", "edge_timeouts", "pool_saturated", "db_sql.pg.conn_exhausted"),
    "query": ("database", "z_disk", "statement_ratio", "slow_statement", "db_sql.pg.lock_wait"),
    "cpu": ("service", "z_cpu", "edge_latency_ratio", "cpu_saturated", "jvm.cpu.hot_method"),
    "heap": ("service", "z_gc", "edge_latency_ratio", "gc_pauses", "jvm.gc.long_pause"),
    "crash": ("service", "z_restarts", "edge_refused", "restarts", "k8s_workload.crashloop"),
    "freeze": ("service", "silence", "edge_timeouts", "silent", "code.deadlock"),
}


def evidence(
    kind: str, strength: float = 1.0, *, supports: bool = True, **details: str
) -> Evidence:
    return Evidence(
        kind=kind,
        strength=strength,
        statement=f"{kind} says so",
        supports=supports,
        details=details,
    )


def candidate(
    name: str, kind: str = "service", *reasons: Evidence, **measures: float
) -> Candidate:
    return Candidate(
        component=Component(name=name, kind=ComponentKind(kind)),
        measures=measures,
        evidence=reasons,
    )


def question(*candidates: Candidate, elapsed_s: float = 60.0) -> Question:
    return Question(
        incident_id="one",
        at_ms=0,
        candidates=candidates,
        context={"elapsed_s": elapsed_s, "has_metrics": 1.0, "has_traces": 1.0, "alerts": 5.0},
    )


def noise(rng: random.Random) -> dict[str, float]:
    measures = {f"z_{c}": abs(rng.gauss(0, 1.5)) for c in ("latency", "errors", "cpu", "memory")}
    return measures | {"page_rank": rng.random() * 0.3, "callees_anomalous": 0.0, "frontier": 0.0}


def storm(fault: str, seed: int, elapsed_s: float, size: int = 12) -> tuple[Question, Component]:
    """One incident: how much of it shows depends on how much time has passed."""
    rng = random.Random(f"{fault}/{seed}")
    kind, inner, seen, reason, _ = FAULTS[fault]
    shown = min(elapsed_s / 60.0, 1.0) * rng.uniform(0.3, 1.0)
    names = [f"{rng.choice('abcdefgh')}{i}" for i in range(size)]
    measured = {name: noise(rng) for name in names}
    root, victims = names[0], names[1 : 2 + rng.randrange(4)]
    strength = rng.uniform(4, 30) * shown
    measured[root] |= {
        inner: -strength / 8 if inner == "silence" else strength,
        seen: min(shown, 1.0) * (2.0 if seen.endswith("ratio") else 0.4),
        "frontier": float(strength > 3),
        "explains_recall": 0.9 * shown,
    }
    if rng.random() < 0.5:
        measured[root] |= {"alert_count": 1.0, "alert_cause_share": 1.0, "alert_severity": 4.0}
    for victim in victims:
        measured[victim] |= {
            "alert_cause_share": 0.0,
            "z_latency": rng.uniform(5, 60) * shown,
            "z_errors": rng.uniform(0, 40) * shown,
            "alert_count": float(rng.randrange(1, 6)),
            "callees_anomalous": 0.5 * float(strength > 3),
        }
    candidates = [
        candidate(
            n,
            kind if n == root else "service",
            *([evidence(reason, max(shown, 0.2))] if n == root else []),
            **measured[n],
        )
        for n in names
    ]
    rng.shuffle(candidates)
    return (
        question(*candidates, elapsed_s=elapsed_s),
        Component(name=root, kind=ComponentKind(kind)),
    )


def rows(seeds: range, faults: tuple[str, ...] = tuple(FAULTS)) -> list[CaseRow]:
    made = []
    for fault in faults:
        for seed in seeds:
            for elapsed_s in (10.0, 30.0, 90.0):
                asked, root = storm(fault, seed, elapsed_s)
                label = CaseLabel(
                    case=f"{fault}-{seed}",
                    topology=f"t{seed % 4}",
                    fault=fault,
                    seed=seed,
                    source="simulated",
                    pattern=FAULTS[fault][4],
                    root=root,
                )
                made.append(row_of(asked, label, default_catalogue()))
    return made

"""Training: from case rows to a calibrated ranker, its report and its artefact.

Everything is decided by rows and config: rows are put in order, folds are dealt by name, the fit
is convex, and fitted numbers are rounded, so the same rows give the same bytes.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from models.answer import Parameters
from models.artefact import read_artefact, write_artefact
from models.augmentation import augmented
from models.blend import MOST_SAY, STRANGERS_SAY, Blend, blended, fit_blend
from models.calibration import Calibration
from models.calibration_fit import fit_calibration
from models.case_rows import encode_rows
from models.cases import CaseRow
from models.conditional_logit import Coefficients, Integers, Pull, Stack, fit, stacked
from models.errors import ModelError
from models.features import FEATURES, context_vector, vectors
from models.forest_growth import ForestConfig, grow_on
from models.pattern_catalogue import Catalogue, default_catalogue
from models.pattern_fit import figures, fit_patterns, matched
from models.ranker import LearnedRanker, from_artefact
from models.rules import rule_parameters
from models.training_report import chance, cross_calibrated, predictions, rounded, summary, tables
from models.unseen import Unseen, folds_of, odds_by_folds, score, score_by_folds

Progress = Callable[[str], None]

SPLITS: Final[Mapping[str, Callable[[CaseRow], str]]] = {
    "case": lambda row: row.case,
    "fault": lambda row: row.fault,
    "topology": lambda row: row.topology,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """How to train."""

    ridge: float = field(
        default=1e-1, metadata={"doc": "pull towards the rule ranker's weights, per mean loss"}
    )
    folds: int = field(default=5, metadata={"doc": "folds over cases and over topologies"})
    fault_folds: int = field(default=5, metadata={"doc": "folds over fault kinds, at most"})
    simulated_weight: float = field(
        default=0.3, metadata={"doc": "weight of a simulated case beside a real one's 1"}
    )
    masked_root_share: float = field(
        default=0.1, metadata={"doc": "share of cases repeated without their root"}
    )
    masked_block_share: float = field(
        default=0.6, metadata={"doc": "share of cases repeated without one modality"}
    )
    crowd_share: float = field(
        default=0.3, metadata={"doc": "share of cases repeated among many more quiet candidates"}
    )
    masked_weight: float = field(
        default=0.5, metadata={"doc": "weight of such a copy beside its original's 1"}
    )
    seed: int = field(default=1, metadata={"doc": "seed of what is masked, and of the forest"})
    forest: ForestConfig = field(
        default_factory=ForestConfig, metadata={"doc": "how the trees beside the logit grow"}
    )
    known_systems: bool = field(
        default=False,
        metadata={
            "doc": (
                "the systems that will be asked about are among the cases: the forest's say is "
                "then decided on unseen cases, not on unseen systems"
            )
        },
    )

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.ridge <= 0.0:
            msg = f"training.ridge must be above 0, found {self.ridge}."
            raise ModelError(msg)
        if self.folds < 2 or self.fault_folds < 2:
            msg = "training.folds and training.fault_folds must be at least 2."
            raise ModelError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """The ranker, the bytes that bring it back, and the report of its cross-validation."""

    ranker: LearnedRanker
    artefact: bytes
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prepared:
    """Rows with their stack; `whole` marks those that are not masked copies."""

    rows: Sequence[CaseRow]
    whole: Sequence[bool]
    stack: Stack


def train(
    rows: Iterable[CaseRow],
    config: TrainingConfig | None = None,
    *,
    progress: Progress | None = None,
    provenance: Mapping[str, Any] | None = None,
    catalogue: Catalogue | None = None,
) -> TrainingResult:
    """Train a ranker.

    Args:
        rows: Questions with answers; all moments of a case may be among them.
        config: How.
        progress: Told a sentence at each step.
        provenance: What the caller knows of the rows (simulator config, code version); goes into
            the artefact beside what training knows.
        catalogue: Patterns, when not the ones that ship.

    Raises:
        ModelError: There are fewer than two cases to learn from.
    """
    config = config or TrainingConfig()
    catalogue = catalogue or default_catalogue()
    tell = progress or (lambda _: None)
    ordered = sorted((r for r in rows if r.candidates), key=lambda r: (r.case, r.elapsed_s))
    if len({row.case for row in ordered}) < 2:
        msg = f"training needs at least two cases with candidates, found {len(ordered)} rows."
        raise ModelError(msg)
    tell(f"reading {len(ordered)} questions")
    prepared = _prepare(ordered, config)
    pull = _pull(config)
    tell(f"fitting {len(FEATURES.names)} weights on {len(prepared.rows)} questions")
    fitted = fit(prepared.stack, pull)
    validated = _cross_validate(prepared, config, fitted, tell)
    forest = None
    if validated.blend.has_forest:
        tell(f"growing {config.forest.trees} trees")
        forest = grow_on(prepared.stack, config.forest, config.seed)
    labelled = matched(_last_of(ordered), catalogue)
    parameters = Parameters(
        weights=tuple(round(w, 6) for w in fitted.weights.tolist()),
        outside=tuple(round(w, 6) for w in fitted.outside.tolist()),
        calibration=validated.calibration,
        patterns=fit_patterns(labelled),
        blend=validated.blend,
        forest=forest,
    )
    report = rounded(
        {**_described(ordered), "splits": validated.reports, "patterns": figures(labelled)}
        | {"baselines": _baselines(prepared, pull.prior)}
    )
    data = write_artefact(
        parameters,
        {
            **(provenance or {}),
            "training": asdict(config),
            "blend": asdict(validated.blend),
            "rows_sha256": _digest(ordered),
            "systems": sorted({row.topology for row in ordered}),
            "figures": _headline(report),
        },
    )
    ranker = from_artefact(read_artefact(data), catalogue)
    return TrainingResult(ranker=ranker, artefact=data, report=report)


def _prepare(ordered: Sequence[CaseRow], config: TrainingConfig) -> _Prepared:
    originals = set(map(id, ordered))
    rows = augmented(
        ordered,
        seed=config.seed,
        root_share=config.masked_root_share,
        block_share=config.masked_block_share,
        crowd_share=config.crowd_share,
    )
    questions = [row.question() for row in rows]
    features = [vectors(question) for question in questions]
    whole = [id(row) in originals for row in rows]
    # Every case counts the same, however many moments of it there are.
    moments = Counter(row.case for row in ordered)
    by_source = {"simulated": config.simulated_weight}
    return _Prepared(
        rows=rows,
        whole=whole,
        stack=stacked(
            features,
            [context_vector(q, f) for q, f in zip(questions, features, strict=True)],
            [row.root for row in rows],
            [
                by_source.get(row.source, 1.0)
                / moments[row.case]
                * (1.0 if original else config.masked_weight)
                for row, original in zip(rows, whole, strict=True)
            ],
        ),
    )


def _pull(config: TrainingConfig) -> Pull:
    rules = rule_parameters()
    prior = Coefficients(weights=np.array(rules.weights), outside=np.array(rules.outside))
    return Pull(prior=prior, ridge=config.ridge, floored=FEATURES.never_against())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Validated:
    """What cross-validation says: the reports of each split, the blend, the calibration."""

    reports: dict[str, Any]
    blend: Blend
    calibration: Calibration


def _cross_validate(
    prepared: _Prepared, config: TrainingConfig, fitted: Coefficients, tell: Progress
) -> _Validated:
    """Evaluate each split; the deciding one gives the blend and the calibration."""
    groups = {name: [key(row) for row in prepared.rows] for name, key in SPLITS.items()}
    possible = [name for name in SPLITS if len(set(groups[name])) > 1]
    deciding = "case" if config.known_systems or "topology" not in possible else "topology"
    reports: dict[str, Any] = {}
    blend, calibration = Blend(), Calibration()
    for name in sorted(possible, key=lambda n: (n != deciding, n)):
        most = config.fault_folds if name == "fault" else config.folds
        folds = folds_of(groups[name], min(most, len(set(groups[name]))))
        tell(f"cross-validating by {name}, {len(np.unique(folds))} folds")
        unseen = score_by_folds(
            prepared.stack, folds, lambda stack: fit(stack, _pull(config), start=fitted)
        )
        odds = None
        if name == deciding or blend.has_forest:
            odds = odds_by_folds(
                prepared.stack, folds, lambda stack: grow_on(stack, config.forest, config.seed)
            )
        if name == deciding and odds is not None:
            blend = fit_blend(unseen, odds, MOST_SAY if config.known_systems else STRANGERS_SAY)
        unseen = blended(unseen, odds, blend)
        if name == deciding:
            calibration = fit_calibration(unseen)
        reports[name] = _report(prepared, unseen, folds)
    return _Validated(reports=reports, blend=blend, calibration=calibration)


def _report(prepared: _Prepared, unseen: Unseen, folds: Integers) -> dict[str, Any]:
    made = predictions(prepared.rows, unseen, cross_calibrated(unseen, folds))
    whole = [p for p, keep in zip(made, prepared.whole, strict=True) if keep]
    masked = [p for p, keep in zip(made, prepared.whole, strict=True) if not keep]
    return {**tables(whole), "masked": summary(masked) if masked else {}}


def _baselines(prepared: _Prepared, prior: Coefficients) -> dict[str, Any]:
    uncalibrated = [Calibration()] * len(prepared.rows)
    made = predictions(prepared.rows, score(prepared.stack, prior), uncalibrated)
    whole = [p for p, keep in zip(made, prepared.whole, strict=True) if keep]
    return {"rules": tables(whole), "chance": chance(whole)}


def _last_of(ordered: Sequence[CaseRow]) -> list[CaseRow]:
    return list({row.case: row for row in ordered}.values())


def _described(ordered: Sequence[CaseRow]) -> dict[str, Any]:
    last = _last_of(ordered)
    return {
        "questions": len(ordered),
        "cases": len(last),
        "faults": dict(sorted(Counter(row.fault for row in last).items())),
        "sources": dict(sorted(Counter(row.source for row in last).items())),
        "topologies": len({row.topology for row in last}),
    }


def _headline(report: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("cases", "questions", "faults", "sources", "topologies", "patterns")
    return {
        **{key: report[key] for key in kept},
        "splits": {name: part["final"] for name, part in report["splits"].items()},
        "rules": report["baselines"]["rules"]["final"],
        "chance": report["baselines"]["chance"],
    }


def _digest(ordered: Sequence[CaseRow]) -> str:
    digest = hashlib.sha256()
    for line in encode_rows(ordered):
        digest.update(line)
    return digest.hexdigest()

"""All recordings of an evaluation, collected and answered by the subject, each under one key."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agents.evaluation.asked import Collected
from agents.evaluation.collect import Wanted
from agents.evaluation.errors import EvaluationError
from agents.evaluation.judge import Answered, Protocol
from agents.evaluation.places import recording_folders
from agents.evaluation.pool import Errand, Gathered, gather
from agents.evaluation.request import Request, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Recordings to be answered and those to learn from besides.

    By the key of the case: its folder, and what the subject answered in each protocol.
    """

    cases: Sequence[Collected]
    lessons: Sequence[Collected]
    folders: Mapping[str, Path]
    answers: Mapping[str, Mapping[Protocol, Answered]]


def material_of(request: Request, stage: Stage) -> Material:
    """Run the engine over every recording.

    Raises:
        EvaluationError: a recording is to be answered and learnt from, or none has a truth.
    """
    folders = recording_folders(request.recordings)
    lessons = recording_folders(request.train_on) if request.train_on else []
    if request.cross_validate is None:
        _refuse_both([str(f) for f in folders], [str(f) for f in lessons])
    everything = sorted({*folders, *lessons})
    wanted = Wanted(
        online="online" in request.protocols,
        published="published" in request.protocols,
        baselines=request.baselines,
        onset_error_ms=int(request.onset_error_s * 1000),
        config=request.config,
    )
    errand = Errand(
        wanted=wanted, subject=request.subject, keep=request.trains or bool(request.splits)
    )
    done = stage("running the engine", len(everything))
    found = gather(everything, errand, jobs=request.jobs, done=done)
    if request.cross_validate is None:
        who = {f: _who(g) for f, g in zip(everything, found, strict=True) if g is not None}
        _refuse_both(*([who[f] for f in part if f in who] for part in (folders, lessons)))
    told = zip(everything, _told_apart(found), strict=True)
    known = {f: g for f, g in told if g is not None}
    if not known.keys() & set(folders):
        msg = f"none of {len(folders)} recordings says what was wrong, expected a truth.json"
        raise EvaluationError(msg)
    return Material(
        cases=[known[f].collected for f in folders if f in known],
        lessons=[known[f].collected for f in lessons if f in known],
        folders={g.collected.identity.key: f for f, g in known.items()},
        answers={g.collected.identity.key: g.answers for g in known.values()},
    )


def _who(gathered: Gathered) -> str:
    """Name a recording such that a copy of it in another folder has the same name."""
    identity = gathered.collected.identity
    return f"{identity.key} ({identity.start_ms} to {identity.end_ms} ms)"


def _refuse_both(answered: Sequence[str], learnt: Sequence[str]) -> None:
    both = sorted(set(answered) & set(learnt))
    if both:
        msg = (
            f"{both[0]} is both to be answered and to be learnt from (so are {len(both)} in all), "
            "expected different recordings; with --cross-validate K each is answered by a ranker "
            "that has not seen it"
        )
        raise EvaluationError(msg)


def _told_apart(found: Sequence[Gathered | None]) -> Iterator[Gathered | None]:
    """Number recordings that say they are the same case; they still share their group."""
    seen: Counter[str] = Counter()
    for one in found:
        if one is None:
            yield None
            continue
        identity = one.collected.identity
        seen[identity.key] += 1
        number = seen[identity.key]
        if number == 1:
            yield one
            continue
        identity = replace(identity, case=f"{identity.case}#{number}")
        yield Gathered(
            collected=replace(one.collected, identity=identity),
            answers={p: replace(a, case=identity.key) for p, a in one.answers.items()},
        )

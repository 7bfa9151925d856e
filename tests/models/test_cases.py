"""Case rows: anonymous, faithful, and refused where they are not what they say."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.augmentation import (
    CROWD_SIZES,
    MASKS,
    augmented,
    in_a_crowd,
    without,
    without_candidate,
)
from models.case_rows import decode_rows, encode_rows, rounded
from models.cases import CaseCandidate, CaseLabel, CaseRow, row_of
from models.errors import ModelError
from models.features import vectors
from models.pattern_catalogue import default_catalogue
from models.pattern_match import PatternSoftmax, match
from models.rules import RuleRanker
from schemas.component import Component, ComponentKind
from schemas.evidence import EVIDENCE_KINDS
from schemas.measures import MEASURES
from tests.models import synthetic
from tests.models.synthetic import candidate, evidence, question

LABEL = CaseLabel(case="c-1", topology="t", fault="pool", seed=1, source="simulated")


def written(*rows: CaseRow) -> bytes:
    return b"".join(encode_rows(rows))


def test_a_row_keeps_no_name() -> None:
    asked, root = synthetic.storm("pool", 1, 60.0)
    label = CaseLabel(case="c", topology="t", fault="pool", seed=1, source="simulated", root=root)
    text = written(row_of(asked, label, default_catalogue()))
    body = text.split(b"\n", 1)[1]
    for named in asked.candidates:
        assert f'"{named.component.name}"'.encode() not in body


def test_the_root_is_where_it_was() -> None:
    asked, root = synthetic.storm("pool", 1, 60.0)
    label = CaseLabel(case="c", topology="t", fault="pool", seed=1, source="simulated", root=root)
    row = row_of(asked, label, default_catalogue())
    named = {c.component.name: c for c in asked.candidates}
    assert row.root is not None
    assert row.candidates[row.root].measures == named[root.name].measures


def test_a_root_that_is_no_candidate_is_none_of_them() -> None:
    label = CaseLabel(
        case="c", topology="t", fault="f", seed=1, source="real", root=Component(name="gone")
    )
    assert row_of(question(candidate("a")), label, default_catalogue()).root is None


def test_a_ranker_answers_a_row_as_it_answered_the_question() -> None:
    asked, _ = synthetic.storm("cpu", 4, 60.0)
    row = row_of(asked, LABEL, default_catalogue())
    before, after = RuleRanker()(asked), RuleRanker()(row.question())
    assert sorted(r.probability for r in before.ranked) == pytest.approx(
        sorted(r.probability for r in after.ranked)
    )


def test_pattern_hints_survive_without_the_words_around_them() -> None:
    reasons = (
        evidence("pool_saturated", 1.0, holder="postgres_exporter of secret-team"),
        evidence("change_recent", 0.9, change_kind="job"),
    )
    asked = question(candidate("secret-db", "database", *reasons))
    row = row_of(asked, LABEL, default_catalogue())
    assert b"secret" not in written(row)
    before, after = (
        [(m.pattern, m.probability) for m in match(c, default_catalogue(), PatternSoftmax())]
        for c in (asked.candidates[0], row.question().candidates[0])
    )
    assert before == after


def test_rows_come_back_from_their_text() -> None:
    rows = synthetic.rows(range(2))
    again = list(decode_rows(written(*rows)))
    assert written(*again) == written(*rows)
    for one, two in zip(rows, again, strict=True):
        assert (one.case, one.root, one.elapsed_s) == (two.case, two.root, two.elapsed_s)
        # Four digits: only who stands exactly at a quiet level may change sides.
        differ = np.abs(vectors(one.question()) - vectors(two.question())) > 2e-3
        assert differ.mean() < 0.01


measures = st.dictionaries(
    st.sampled_from(sorted(MEASURES)), st.floats(-1e6, 1e6).map(rounded), max_size=8
)
strength = st.floats(-1, 1).map(rounded).filter(lambda v: v != 0)
rows = st.builds(
    CaseRow,
    case=st.text(max_size=8),
    topology=st.text(max_size=8),
    fault=st.text(max_size=8),
    seed=st.integers(0, 10**6),
    source=st.sampled_from(["real", "injected", "simulated"]),
    elapsed_s=st.floats(0, 1e4).map(rounded),
    candidates=st.lists(
        st.builds(
            CaseCandidate,
            kind=st.sampled_from(list(ComponentKind)),
            measures=measures,
            evidence=st.dictionaries(st.sampled_from(sorted(EVIDENCE_KINDS)), strength),
            words=st.lists(st.text(max_size=5)).map(tuple),
        ),
        max_size=4,
    ).map(tuple),
    context=st.just({"alerts": 3.0}),
    root=st.none(),
    pattern=st.text(max_size=8),
)


@given(st.lists(rows, max_size=4))
def test_any_row_comes_back_equal(some: list[CaseRow]) -> None:
    assert list(decode_rows(written(*some))) == some


def changed(change: Callable[[dict[str, Any]], None]) -> bytes:
    header, line = written(synthetic.rows(range(1), ("pool",))[0]).splitlines()
    document = orjson.loads(line)
    change(document)
    return header + b"\n" + orjson.dumps(document) + b"\n"


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "root no place": (lambda d: d.update(root=99), "root must be null or the place"),
    "root true": (lambda d: d.update(root=True), "root must be null or the place"),
    "no case": (lambda d: d.pop("case"), "case must be of type str"),
    "seed text": (lambda d: d.update(seed="1"), "seed must be of type int"),
    "source unknown": (lambda d: d.update(source="rumour"), "source must be one of"),
    "candidates no list": (lambda d: d.update(candidates={}), "candidates must be a list"),
    "candidate too short": (lambda d: d.update(candidates=[["service"]]), "a candidate must be"),
    "kind unknown": (lambda d: d["candidates"][0].__setitem__(0, "toaster"), "a candidate must"),
    "odd numbers": (lambda d: d.update(context=[1]), "flat list"),
    "place unknown": (lambda d: d.update(context=[999, 1.0]), "not the place of a name"),
    "value text": (lambda d: d.update(context=[1, "x"]), "must be a number"),
    "words no texts": (lambda d: d["candidates"][0].__setitem__(3, [1]), "list of texts"),
}


@pytest.mark.parametrize(("change", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_row_is_refused_with_its_line(
    change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    with pytest.raises(ModelError, match=f"line 2: .*{sentence}"):
        list(decode_rows(changed(change)))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "line 1: not JSON"),
        (b"{}\n", "expected a header"),
        (b'{"format":"rootline.cases","version":7}\n', "version 1"),
        (
            b'{"format":"rootline.cases","version":1,"measures":["z_moon"],"context":[],'
            b'"evidence":[]}\n',
            "'z_moon' is not known",
        ),
        (b'{"format":"rootline.cases","version":1,"measures":3}\n', "not known"),
    ],
    ids=["empty", "no header", "other version", "unknown measure", "no lists"],
)
def test_a_wrong_header_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        list(decode_rows(data))


def test_a_masked_modality_is_gone_from_measures_and_context() -> None:
    row = synthetic.rows(range(1), ("pool",))[2]
    masked = without(row, "metrics")
    assert not [m for c in masked.candidates for m in c.measures if m.startswith("z_")]
    assert "has_metrics" not in masked.context
    assert masked.root == row.root


def test_every_mask_names_blocks_that_exist() -> None:
    from models.readings import BLOCKS  # noqa: PLC0415 - only this test needs it

    assert {block for blocks, _ in MASKS.values() for block in blocks} <= set(BLOCKS)


def test_a_masked_root_leaves_none_of_them() -> None:
    row = synthetic.rows(range(1), ("pool",))[2]
    assert row.root is not None
    masked = without_candidate(row, row.root)
    assert masked.root is None
    assert len(masked.candidates) == len(row.candidates) - 1


def test_what_is_masked_depends_on_the_seed_and_not_on_the_order() -> None:
    some = synthetic.rows(range(6))

    def masked(order: list[CaseRow], seed: int) -> set[bytes]:
        return {written(r) for r in augmented(order, seed=seed, root_share=0.3, block_share=0.3)}

    assert masked(some, 1) == masked(some[::-1], 1)
    assert masked(some, 1) != masked(some, 2)
    assert len(augmented(some, seed=1, root_share=0.0, block_share=0.0)) == len(some)


def test_a_crowd_is_of_the_quiet_and_the_root_keeps_its_place() -> None:
    row = next(r for r in synthetic.rows(range(1)) if r.root is not None)
    crowd = in_a_crowd(row, CROWD_SIZES[0])
    assert crowd.root == row.root
    assert crowd.candidates[: len(row.candidates)] == row.candidates
    added = crowd.candidates[len(row.candidates) :]
    assert len(added) == CROWD_SIZES[0]
    assert row.candidates[row.root] not in added
    assert crowd.context["candidates"] == len(crowd.candidates)
    alone = replace(row, candidates=(row.candidates[row.root],), root=0)
    assert in_a_crowd(alone, 10) == alone

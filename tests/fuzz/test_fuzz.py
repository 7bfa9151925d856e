"""Every fuzz target on its seeds, its kept corpus, past findings and some fresh mutations.

The sample that `make test` runs; `make fuzz` goes on for as long as one likes.
"""

import logging
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.mutation import mutate
from tests.fuzz.oracle import INPUT_BYTES, FindingError, Target, judge
from tests.fuzz.protobuf_fields import fields_of, put_together
from tests.fuzz.targets import TARGETS

HERE = Path(__file__).parent
MUTATIONS = 60
MUTATIONS_OF_SLOW = 6
ALL = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def kept(kind: str, target: Target) -> list[bytes]:
    return [path.read_bytes() for path in sorted((HERE / kind / target.name).glob("*"))]


@ALL
def test_most_seeds_are_taken(target):
    taken = [judge(target, seed) for seed in target.seeds]
    # A YAML graph is no CSV, and headers of one dialect are none of another.
    if target.name not in ("graph_files", "cloud_events"):
        assert sum(taken) > len(taken) / 2


@ALL
def test_past_findings_stay_mended(target):
    for data in kept("regressions", target):
        judge(target, data)


@ALL
def test_the_kept_corpus_is_answered(target):
    for data in kept("corpus", target):
        judge(target, data)


@ALL
def test_fresh_mutations_are_answered(target):
    random = Random(f"{target.name}/1")
    pool = [*target.seeds, *kept("corpus", target)]
    slow = target.name.startswith("worker_")
    for _ in range(MUTATIONS_OF_SLOW if slow else MUTATIONS):
        judge(target, mutate(random.choice(pool), random, target))


NASTY = {
    "nothing": b"",
    "blanks": b" \n" * 2_000,
    "NUL": b"\0" * 500,
    "no UTF-8": b"\xff\xfe\x80" * 100,
    "byte order mark": b"\xef\xbb\xbf{}",
    "lists": b"[" * 50_000,
    "objects": b'{"a":' * 20_000,
    "balanced": b"[" * 20_000 + b"]" * 20_000,
    "digits": b"9" * 10_000,
    "a number": b'{"a":' + b"9" * 10_000 + b"}",
    "quotes": b'"' * 5_001,
    "commas": b"," * 50_000,
    "a long word": b"a" * 200_000,
    "lines": b"a,b\n" * 1_000,
    "half a surrogate": b'{"labels":{"a":"\\ud800"},"alerts":[{"labels":{"a":"\\udfff"}}]}',
    "tags": b"\x0a" * 2_000,
    "varints": b"\xff" * 30_000,
}


@ALL
def test_what_is_nasty_for_anyone_is_answered(target):
    for data in NASTY.values():
        judge(target, data)


def test_the_corpus_is_small_and_of_known_targets():
    files = [path for kind in ("corpus", "regressions") for path in (HERE / kind).rglob("*")]
    sizes = [path.stat().st_size for path in files if path.is_file()]
    assert sum(sizes) < 1 << 20
    assert max(sizes, default=0) <= INPUT_BYTES
    folders = {path.name for path in files if path.is_dir()}
    assert folders <= TARGETS.keys()


class GreedyError(ValueError):
    """What a target of the tests below raises."""


def a_target(run):
    return Target(name="mine", run=run, seeds=(), refusals=(GreedyError,))


def raising(error):
    def run(_data):
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "found"),
    [
        (raising(KeyError("x")), "KeyError"),
        (raising(RecursionError()), "RecursionError"),
        (raising(GreedyError("")), "without a sentence"),
        (raising(GreedyError("x" * 5_000)), "5000 characters"),
        (raising(GreedyError("\ud800")), "no UTF-8"),
    ],
)
def test_the_oracle_finds_what_is_wrong(run, found):
    with pytest.raises(FindingError, match=found):
        judge(a_target(run), b"")


def test_the_oracle_finds_what_takes_too_long():
    with pytest.raises(FindingError, match="s for 3 bytes"):
        judge(a_target(lambda _: sum(range(200_000))), b"abc", seconds=1e-6)


def test_the_oracle_lets_a_sentence_pass_and_a_value():
    assert judge(a_target(lambda data: data), b"")
    assert not judge(a_target(raising(GreedyError("found 7, expected 8: count again"))), b"")


def test_protobuf_is_taken_apart_and_put_together_again():
    for seed in TARGETS["otlp_spans"].seeds[:1]:
        fields = fields_of(seed)
        assert fields
        assert put_together(fields) == seed


def test_mutations_are_the_same_for_the_same_seed_and_stay_small():
    target = TARGETS["alerts"]
    made = [
        [mutate(seed, random, target) for seed in target.seeds * 5]
        for random in (Random(3), Random(3))
    ]
    assert made[0] == made[1]
    assert all(len(data) <= INPUT_BYTES for data in made[0])
    assert len(set(made[0])) > len(target.seeds)

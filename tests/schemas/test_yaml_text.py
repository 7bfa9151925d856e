"""YAML that is made to kill the process or to fill the memory is refused before it is built."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import ModelError
from models.pattern_catalogue import FILE_BYTES, load_catalogue
from pipeline.graph_files import read_graph
from schemas.codecs.yaml_text import DEPTH_LIMIT, parse_yaml
from schemas.errors import SchemaError

ROOT = Path(__file__).parents[2]
NINE = "[" + ",".join(["*a{0}"] * 9) + "]"
BILLION = "a0: &a0 [x]\n" + "".join(
    f"a{level}: &a{level} {NINE.format(level - 1)}\n" for level in range(1, 10)
)


def test_a_billion_laughs_are_refused() -> None:
    for text in (BILLION, f"{BILLION}family: *a9\npatterns: []\n"):
        with pytest.raises(SchemaError, match="YAML aliases are not read"):
            parse_yaml(text)
        with pytest.raises(ModelError, match=r"patterns/x\.yaml: YAML aliases are not read"):
            load_catalogue({"x.yaml": text.encode()})
        with pytest.raises(SchemaError, match=r"g\.yaml is neither JSON nor YAML.*aliases"):
            read_graph(text, name="g.yaml")


@pytest.mark.parametrize("text", ["[" * 200_000, "a: " + "{a: " * 100_000])
def test_deep_yaml_does_not_end_the_process(text: str) -> None:
    code = (
        "import sys\nfrom schemas.codecs.yaml_text import parse_yaml\n"
        "try:\n    parse_yaml(sys.stdin.read())\nexcept ValueError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=text, cwd=ROOT, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-300:]
    # A parser with a limit of its own (libyaml of PyYAML 6.0.4) may come first.
    assert f"nested more than {DEPTH_LIMIT} deep" in done.stdout or "nesting depth" in done.stdout


def test_nesting_up_to_the_limit_is_read() -> None:
    assert parse_yaml("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT)


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['true']",
        "a: !!python/name:os.system",
        "when: 2026-99-99",
        "n: " + "9" * 5_000,
        "\x00",
        "a: [1",
        "? [a]\n: b",
        b"\xff\xfe\x00",
        "%TAG ! tag:evil,2026:\n--- !x 1",
    ],
)
def test_what_is_no_plain_yaml_is_a_sentence(text: str | bytes) -> None:
    with pytest.raises(SchemaError, match=r"^not YAML"):
        parse_yaml(text)


def test_a_large_pattern_file_is_refused() -> None:
    with pytest.raises(ModelError, match="at most 4194304 are read; split the file"):
        load_catalogue({"x.yaml": b"#" * (FILE_BYTES + 1)})


@pytest.mark.parametrize("weight", ["-1", ".inf", ".nan", "1" + "0" * 400])
def test_a_weight_that_is_no_number_of_calls_is_refused(weight: str) -> None:
    text = f"edges:\n- {{caller: a, callee: b, weight: {weight}}}\n"
    with pytest.raises(SchemaError, match=r"expected a number of at least 0|wrong type|not YAML"):
        read_graph(text, name="g.yaml")


@pytest.mark.parametrize("text", ["caller,callee\na," + "b" * 200_000, "caller,callee\n\x00,b"])
def test_a_csv_that_cannot_be_read_is_a_sentence(text: str) -> None:
    try:
        read_graph(text, name="g.csv")
    except SchemaError as error:
        assert len(str(error)) < 1_000  # noqa: PT017 -- NUL is read from Python 3.11 on

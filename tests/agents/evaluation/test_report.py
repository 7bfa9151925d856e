"""The report page: well-formed, of its own, complete, and safe from the names it shows."""

import re
from html.parser import HTMLParser
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from agents.cli import main
from agents.evaluation.report import Run, page, read_runs
from agents.evaluation.report import main as report_main
from agents.recordings import write_recording
from tests.agents.evaluation.worlds import healthy, recording

VOID = {"meta"}
HOSTILE = '<script>alert("x")</script>&"\'<img src=x onerror=alert(1)>'


class Reader(HTMLParser):
    """Follows the tags of a page and collects what it finds."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    roots = [recording(root, n) for root in ("stock", "cart", "mail") for n in (1, 2)]
    silent = recording(
        "stock", 3, alerts=(), provenance={"case": HOSTILE, "suite": f"toy/{HOSTILE}"}
    )
    for number, one in enumerate([*roots, silent, healthy()]):
        write_recording(one, folder / str(number))
    return folder


POINTS = [
    {"level": level, "cases": 3, "ac@1": share, "ac@3": 1.0, "no_incident": 0}
    for level, share in ((0.0, 1.0), (0.5, 0.5), (1.0, None))
]
PERTURBATIONS = {
    "toy/worse": {
        "edges_missing": {"unit": "share of edges", "points": POINTS, "slope_ac@1": -1.0},
        "spans_gone": {"unit": "all", "points": POINTS[:2], "slope_ac@1": None},
    }
}
STORM = {"storms": 2, "ari": 0.97, "bcubed_precision": 1.0, "bcubed_recall": 0.95}
RATES = {"split_rate": 1.0, "merge_rate": 1.0, "noise_kept_out": None, "reduction": None}
GROUPING = {"toy/storms": {"1": STORM | RATES, "2": {**STORM, **RATES, "storms": 0}}}


@pytest.fixture(scope="module")
def evaluated(suite: Path) -> tuple[str, dict]:
    """The page and the figures of one run of the command."""
    path = suite / "report.html"
    options = ("--model", "rules", "--baselines", "--json")
    arguments = ["evaluate", str(suite), *options, "--jobs", "1", "--report", str(path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.stderr
    return path.read_text(encoding="utf-8"), orjson.loads(result.stdout)


@pytest.fixture(scope="module")
def written(evaluated: tuple[str, dict]) -> tuple[str, dict]:
    """The page of everything: what takes long is put in by hand, in the form of its module."""
    suites = [{**s, "splits": {"leave-one-root-out": s}} for s in evaluated[1]["suites"]]
    stress = {"perturbations": PERTURBATIONS, "grouping": GROUPING}
    figures = {**evaluated[1], **stress, "suites": suites}
    return page([Run(name="all", figures=figures)]), figures


def test_the_command_writes_the_page_of_its_figures(evaluated, suite):
    text, figures = evaluated
    assert text == page([Run(name=str(suite), figures=figures)])


def test_levels_without_a_figure_are_left_out_of_plots_and_storms_of_none_out_of_tables(written):
    words = read(written[0]).texts
    assert "edges missing, slope -1.00" in words
    assert "AC@1 0.500 at 0.5" in words
    assert not any(each.startswith("AC@1") and each.endswith("at 1") for each in words)
    assert words.count("toy/storms") == 1


def test_every_tag_is_closed_and_there_is_one_of_each_frame(written):
    text, _ = written
    reader = read(text)
    assert text.startswith("<!doctype html>")
    assert [reader.tags.count(tag) for tag in ("html", "head", "body", "h1")] == [1, 1, 1, 1]
    assert "svg" in reader.tags


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(written):
    text, _ = written
    reader = read(text)
    assert "http://" not in text
    assert "https://" not in text
    assert "url(" not in text
    assert "@import" not in text
    assert not {"script", "link", "img", "iframe", "object"} & set(reader.tags)
    assert not {"src", "href", "srcset", "onerror"} & {name for name, _ in reader.attributes}


def test_hostile_names_are_shown_as_text(written):
    text, _ = written
    assert HOSTILE not in text
    assert any(HOSTILE in words for words in read(text).texts)


def test_each_suite_and_protocol_is_named_with_its_figures(written):
    text, result = written
    words = read(text).texts
    for found in result["suites"]:
        assert found["suite"] in words
        assert f"{found['ac@1']:.3f}" in words
        assert any(f"{found['suite']} · {found['protocol']}" in each for each in words)


def test_every_failure_is_listed(written):
    text, result = written
    words = read(text).texts
    failures = [f["case"] for found in result["suites"] for f in found["failures"]]
    assert failures
    assert set(failures) <= set(words)


@pytest.mark.parametrize(
    "heading",
    [
        "Figures",
        "Beside the baselines",
        "Trained without what is asked about",
        "Are the probabilities honest?",
        "What does keeping silent save?",
        "Time to the right answer",
        "While nothing was wrong",
        "Made worse on purpose",
        "Storms of several faults",
        "Parts of the suites",
        "Failures",
    ],
)
def test_what_was_measured_has_a_part(written, heading):
    assert heading in read(written[0]).texts


def test_plots_draw_only_finite_numbers(written):
    numbers = re.compile(r'(?:x|y|x1|x2|y1|y2|cx|cy|r|points|width|height)="([^"]*)"')
    for found in numbers.findall(written[0]):
        assert "nan" not in found
        assert "inf" not in found


def test_what_was_not_measured_has_no_part(suite):
    path = suite / "small.html"
    arguments = ["evaluate", str(suite / "0"), "--model", "rules", "--report", str(path)]
    result = CliRunner().invoke(main, [*arguments, "--protocol", "published", "--jobs", "1"])
    assert result.exit_code == 0, result.stderr
    words = read(path.read_text(encoding="utf-8")).texts
    assert "Figures" in words
    assert not {"Beside the baselines", "Made worse on purpose", "Storms of several faults"} & set(
        words
    )


def test_several_runs_share_a_page_with_contents(written, tmp_path):
    one, other = tmp_path / "one.json", tmp_path / "other<.json"
    for path in (one, other):
        path.write_bytes(orjson.dumps(written[1]))
    assert report_main([str(tmp_path / "all.html"), str(one), str(other)]) == 0
    text = (tmp_path / "all.html").read_text(encoding="utf-8")
    reader = read(text)
    assert reader.tags.count("h2") == 2
    targets = [value for name, value in reader.attributes if name == "href"]
    assert targets == ["#run-0", "#run-1"]
    assert reader.texts.count("other<") == 2


def test_the_same_figures_give_the_same_page(written):
    runs = [Run(name="one", figures=written[1])]
    assert page(runs) == page(runs)


def test_a_file_of_something_else_is_refused_with_a_sentence(tmp_path, capsys):
    path = tmp_path / "other.json"
    path.write_text('{"rows": []}')
    assert report_main([str(tmp_path / "out.html"), str(path)]) == 1
    assert "expected what `rootline evaluate --json` prints" in capsys.readouterr().err
    assert read_runs([]) == []


def test_a_place_that_cannot_be_written_is_named_and_the_figures_are_printed_all_the_same(
    suite, tmp_path
):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "report.html"
    arguments = ["evaluate", str(suite / "0"), "--model", "rules", "--report", str(path)]
    result = CliRunner().invoke(main, [*arguments, "--protocol", "published", "--jobs", "1"])
    assert result.exit_code != 0
    assert "the report cannot be written to" in result.stderr
    assert "the ranker" in result.stdout

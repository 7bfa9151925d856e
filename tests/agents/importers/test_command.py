import orjson
import pytest

from agents.importers.layout import SETS
from tests.agents.importers.imported import import_set
from tests.agents.importers.test_rcd import write_case


@pytest.fixture
def shop(tmp_path):
    write_case(tmp_path / "src" / "carts-cpu" / "1")
    return tmp_path / "src"


def test_list_names_every_set():
    rows = orjson.loads(import_set("--list", "--json").stdout)
    assert [row["name"] for row in rows] == list(SETS)
    assert all(row["summary"] for row in rows)
    assert [line.split()[0] for line in import_set("--list").stdout.splitlines()] == list(SETS)


def test_every_set_has_its_module():
    for name in SETS:
        result = import_set(name, "nowhere", "out")
        assert result.exit_code == 2
        assert "nowhere is no folder" in result.stderr


def test_text_says_what_came_and_what_to_do_next(tmp_path, shop):
    dest = tmp_path / "out"
    result = import_set("rcd", shop, dest)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        f"{dest}/rcd/sockshop: 1 recordings",
        f"next: rootline replay {dest}/rcd/sockshop/carts-cpu/1",
    ]


def test_json_counts_by_suite_and_limit_stops_early(tmp_path, shop):
    write_case(shop / "carts-cpu" / "2")
    result = import_set("rcd", shop, tmp_path / "out", "--limit", 1, "--json")
    facts = orjson.loads(result.stdout)
    assert facts == {
        "set": "rcd",
        "dest": str(tmp_path / "out"),
        "recordings": 1,
        "healthy": 0,
        "suites": {"rcd/sockshop": 1},
    }


def test_the_same_case_is_replaced_and_foreign_folders_are_left_alone(tmp_path, shop):
    dest = tmp_path / "out"
    case = dest / "rcd" / "sockshop" / "carts-cpu" / "1"
    assert import_set("rcd", shop, dest).exit_code == 0
    first = (case / "recording.json").read_bytes()
    assert import_set("rcd", shop, dest).exit_code == 0
    assert (case / "recording.json").read_bytes() == first

    (case / "recording.json").write_bytes(b'{"provenance": {"set": "mine"}}')
    result = import_set("rcd", shop, dest)
    assert result.exit_code == 2
    assert "holds no import of this case, so it is left as it is" in result.stderr
    assert (case / "recording.json").read_bytes() == b'{"provenance": {"set": "mine"}}'

    other = tmp_path / "other" / "rcd" / "sockshop" / "carts-cpu" / "1"
    other.mkdir(parents=True)
    (other / "thesis.txt").write_text("mine")
    assert import_set("rcd", shop, tmp_path / "other").exit_code == 2
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("name", ["tvdiag", "petshop", "rcd"])
def test_a_folder_without_the_layout_is_a_sentence(tmp_path, name):
    result = import_set(name, tmp_path, tmp_path / "out")
    assert result.exit_code == 2
    assert f"so it is not the layout of {name}" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "import needs NAME, SRC and DEST"),
        (("rcd", "src"), "import needs NAME, SRC and DEST"),
        (("moon", ".", "out"), "there is no set 'moon' to import; choose one of tvdiag"),
        (("rcd", "src", "out", "--limit", "0"), "0 is not in the range"),
    ],
)
def test_bad_arguments_are_a_sentence(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    result = import_set(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_destination_that_cannot_be_made_is_a_sentence(tmp_path, shop):
    (tmp_path / "file").write_text("in the way")
    result = import_set("rcd", shop, tmp_path / "file")
    assert result.exit_code == 2
    assert "name a DEST that can be made" in result.stderr

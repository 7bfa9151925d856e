import json
import subprocess
import sys
import tomllib

import click
import pytest
from click.testing import CliRunner

from agents import cli
from agents.cli import SUBCOMMANDS, Subcommand, main
from agents.settings import Settings
from schemas.errors import SchemaError

HEAVY = ("faust", "sklearn", "aiokafka", "numpy", "aiohttp", "networkx")


def test_help_lists_every_subcommand_and_imports_nothing_heavy():
    script = (
        "import sys\nfrom agents.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    for name in SUBCOMMANDS:
        assert f"\n  {name} " in done.stdout


def test_module_and_console_script_are_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "agents", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("rootline, version ")


def test_unknown_subcommand_is_a_usage_error():
    result = CliRunner().invoke(main, ["conjure"])
    assert result.exit_code == 2
    assert "conjure" in result.output


def test_configuration_error_ends_as_one_sentence_and_exit_code_2(tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('[kafka]\n"boot\\u001bstrap" = 1', encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "agents", "config", "--config", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "did you mean 'bootstrap'?" in done.stderr
    assert "\x1b" not in done.stderr


@click.command()
def failing() -> None:
    msg = "the recording is cut\noff at line 3"
    raise SchemaError(msg)


def test_schema_error_in_a_subcommand_ends_as_one_sentence(monkeypatch):
    monkeypatch.setattr(cli, "SUBCOMMANDS", {"failing": Subcommand(f"{__name__}:failing", "")})
    monkeypatch.setitem(sys.modules, __name__, sys.modules[failing.callback.__module__])
    result = CliRunner().invoke(main, ["failing"])
    assert result.exit_code == 2
    assert result.stderr == "Error: the recording is cut off at line 3\n"
    assert result.stdout == ""


def test_config_prints_toml_that_reads_back_as_the_same_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["config"], env={"ROOTLINE_KAFKA__CLIENT_ID": "n\u00e4me"})
    assert result.exit_code == 0
    tree = tomllib.loads(result.stdout)
    assert tree["kafka"]["client_id"] == "n\u00e4me"
    assert set(tree) == set(Settings().redacted())


def test_config_prints_json_and_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rootline.toml").write_text("[gateway]\nport = 1\ntoken = 'hush'")
    printed = json.loads(CliRunner().invoke(main, ["config", "--json"]).stdout)
    assert (printed["gateway"]["port"], printed["gateway"]["token"]) == (1, "(hidden)")
    result = CliRunner().invoke(main, ["config", "--json", "--defaults"])
    assert json.loads(result.stdout) == json.loads(json.dumps(Settings().redacted()))


@pytest.mark.parametrize("name", ["config"])
def test_subcommand_explains_itself(name):
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert SUBCOMMANDS[name].summary.rstrip(".") in result.output

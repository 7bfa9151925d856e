import asyncio

import orjson
import pytest
from click.testing import CliRunner

from agents.cli import main
from agents.redrive.judging import Fate, Judged
from agents.redrive.report import Report
from tests.agents.redrive.test_ledger import LETTER


async def run(post, *arguments):
    process = await post.stand.rootline("redrive", *arguments)
    out, said = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), said.decode()


@pytest.mark.integration
def test_the_command_shows_sends_and_says_by_its_exit_code_what_it_could_not(
    with_post, monkeypatch
):
    async def scenario(post):
        monkeypatch.setenv("ROOTLINE_BOOTSTRAP", post.stand.bootstrap)
        await post.letter(value=b"\x1b[31m{", headers=[("h", b"v")])
        code, out, said = await run(post, "--dry-run", "--match", "JSON")
        assert (code, said) == (0, "")
        assert "no JSON, expected an alert" in out
        assert "\x1b" not in out
        assert out.endswith("1 dead letters: 1 would be sent again\n")

        await post.send("dead-letter", b"?")
        code, out, _said = await run(post, "--json", "--rate", "0")
        *rows, summary = [orjson.loads(line) for line in out.splitlines()]
        assert code == 1
        assert sorted(row["fate"] for row in rows) == ["sent", "without_origin"]
        assert summary == {"summary": {"send": 1, "without_origin": 1}, "dry_run": False}
        assert len(await post.stand.read("alerts")) == 2

    with_post(scenario)


def test_the_summary_says_what_was_left_out(capsys):
    report = Report(as_json=False, dry_run=False)
    report.close()
    report.told(Judged(letter=LETTER, fate=Fate.ALREADY_SENT, note="it was sent before"))
    report.close()
    shown = capsys.readouterr().out
    assert shown.startswith("no dead letter fits\n")
    assert "it was sent before" in shown
    assert shown.endswith("1 dead letters: 0 sent again; 1 sent before, left out\n")
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--since", "tomorrow"), "'tomorrow' is no time; expected RFC 3339"),
        (("--offset", "3"), "expected partition:offset"),
        ((), "does not answer as it should"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(arguments, sentence, monkeypatch):
    monkeypatch.setenv("ROOTLINE_BOOTSTRAP", "127.0.0.1:1")
    result = CliRunner().invoke(main, ["redrive", *arguments])
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())

"""What the demo shows fits into the terminal, and nothing from telemetry can drive it."""

import io
import re
from xml.etree import ElementTree

import pytest
from rich.cells import cell_len
from rich.console import Console

from agents.cli import SUBCOMMANDS
from agents.demo.closing import Closing, ClosingScreen
from agents.demo.narration import Narrator
from agents.demo.next_steps import next_steps
from agents.demo.performance import Addresses, Outcome, Performance
from agents.demo.picture import save_picture
from agents.demo.receiver import ReceivedMessage
from agents.demo.report import report
from agents.demo.scene import Stage
from agents.demo.view import LiveView

from .scenes import START_MS, a_candidate, a_scene, a_seen_alert, an_incident, evidence, told

HOSTILE = "\x1b]0;owned\x07\x1b[31m[bold red]x[/] \u202egnorw\nsecond\tline " + "long " * 200
SIZES = [(80, 24), (100, 35), (40, 10), (200, 60)]


def a_stage(**more):
    fields = {"sent_ms": START_MS + 700_000, "simulated": 1.0, "sent": {"spans": 9, "samples": 7}}
    return Stage(
        title="pool exhaustion, seed 1",
        speed=15.0,
        start_ms=START_MS,
        storm_ms=START_MS + 600_000,
        end_ms=START_MS + 1_000_000,
        **(fields | more),
    )


def a_hostile_scene():
    candidates = tuple(
        a_candidate(HOSTILE, rank, 0.9 / rank, evidence=(evidence(HOSTILE, holder=HOSTILE),))
        for rank in range(1, 8)
    )
    incident = an_incident("f0", "f1", title=HOSTILE, candidates=candidates, model_version=HOSTILE)
    alerts = tuple(
        a_seen_alert(HOSTILE, fingerprint=f"f{n}", rule=HOSTILE, severity=HOSTILE)
        for n in range(30)
    )
    return a_scene(incident, alerts=alerts)


def received(payload):
    return ReceivedMessage(payload=payload, headers={}, at_ms=0)


def drawn(renderable, columns, rows, *, colours=False):
    console = Console(
        width=columns,
        height=rows,
        file=io.StringIO(),
        force_terminal=colours,
        color_system="truecolor" if colours else None,
    )
    console.print(renderable, height=rows)
    return console.file.getvalue()


def a_closing(**more):
    fields = {
        "title": "pool exhaustion, seed 1",
        "problems": (),
        "payloads": (told(),),
        "wall_seconds": 50.0,
        "reaction_seconds": 1.2,
        "model": "trained on 7 cases",
    }
    return Closing(**(fields | more))


@pytest.mark.parametrize(("columns", "rows"), SIZES)
@pytest.mark.parametrize(
    "stage", [a_stage(), a_stage(sent_ms=0, simulated=0.4)], ids=["storm", "start"]
)
def test_the_live_view_fills_the_terminal_and_never_runs_over_it(columns, rows, stage):
    view = LiveView(stage, a_hostile_scene(), [received(told(HOSTILE))] * 9)
    lines = drawn(view, columns, rows).splitlines()
    assert len(lines) == rows
    assert max(map(cell_len, lines)) <= columns


@pytest.mark.parametrize(("columns", "rows"), SIZES)
def test_no_control_code_from_telemetry_reaches_the_terminal(columns, rows):
    scene = a_hostile_scene()
    shown = drawn(LiveView(a_stage(), scene, [received(told(HOSTILE))]), columns, rows)
    shown += drawn(ClosingScreen(scene, a_closing(payloads=(told(HOSTILE),))), columns, rows)
    assert all(char == "\n" or char.isprintable() for char in shown)
    assert "[bold red]" in shown  # as text, not as markup


def test_before_anything_has_happened_the_view_shows_what_is_being_started():
    stage = a_stage(
        sent_ms=0, simulated=0.5, parts={"broker": "127.0.0.1:9", "worker": "starting"}
    )
    shown = drawn(LiveView(stage, a_scene(), []), 80, 24)
    assert "simulating" in shown
    assert "worker starting" in shown


def test_the_view_marks_candidates_that_moved_up_and_down():
    before = an_incident("f1")
    swapped = (a_candidate("node-a", 1, 0.7), a_candidate("db", 2, 0.2))
    after = an_incident("f1", revision=2, candidates=swapped)
    lines = drawn(LiveView(a_stage(), a_scene(before, after), []), 100, 35).splitlines()
    assert any("1 ▲ node-a" in line for line in lines)
    assert any("2 ▼ db" in line for line in lines)


def test_the_closing_screen_tells_the_answer_the_strangers_and_the_verdict():
    alerts = (
        a_seen_alert(fingerprint="f1"),
        a_seen_alert("ci-runner-2", fingerprint="n1", rule="NodeDiskAlmostFull"),
    )
    shown = drawn(ClosingScreen(a_scene(an_incident("f1"), alerts=alerts), a_closing()), 100, 60)
    for text in (
        "2 alerts → 1 incident with 1 of them on 1 components",
        "NodeDiskAlmostFull on ci-runner-2: alone so far",
        "db  ██████████████████░░ 90 %",
        "Connection pool exhausted",
        "holder    job",
        "+ the job holds 80 % of the connections",
        "node-a (5 %): less speaks for it",
        "10 s from the first alert to the incident",
        "conditional-logit/1, trained on 7 cases",
        "✔ Right",
    ):
        assert text in shown


@pytest.mark.parametrize("rows", [23, 34, 50])
def test_the_closing_screen_of_an_ordinary_run_fits_into_the_terminal(rows):
    long = (
        "calls from order-fulfilment to it take 102 ms, usually 5.8 ms, and a third of them fail"
    )
    reasons = tuple(evidence(f"{n} {long}") for n in range(8))
    top = a_candidate(evidence=(evidence(long, holder="report-job"), *reasons))
    incident = an_incident("f1", candidates=(top, a_candidate("node-a", 2, 0.05)))
    alerts = tuple(
        a_seen_alert(f"ci-runner-{n}", fingerprint=f"n{n}", rule="NodeDiskAlmostFull")
        for n in range(3)
    )
    scene = a_scene(incident, alerts=(a_seen_alert(fingerprint="f1"), *alerts))
    shown = drawn(ClosingScreen(scene, a_closing(), rows=rows), 80, None).rstrip("\n")
    lines = shown.splitlines()
    assert len(lines) <= rows
    assert max(map(cell_len, lines)) <= 80
    assert "connection pool exhausted" in shown
    assert "evidence  +" in shown
    assert "✔ Right" in shown


def test_what_is_wrong_is_said_instead_of_right():
    closing = a_closing(problems=("TOP-1 is cart, expected db.",))
    shown = drawn(ClosingScreen(a_scene(an_incident("f1")), closing), 100, 60)
    assert "✘ TOP-1 is cart, expected db." in shown
    assert "Right" not in shown


def test_without_an_incident_the_closing_screen_says_so():
    closing = a_closing(problems=("No incident.",), payloads=())
    assert "No incident was published" in drawn(ClosingScreen(a_scene(), closing), 80, 24)


def test_the_chat_message_gives_way_when_the_closing_screen_is_too_tall():
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "lead\n" * 4}}
    payload = told()
    payload["blocks"][1:1] = [section] * 8
    closing = a_closing(payloads=(payload,))
    scene = a_scene(an_incident("f1"))
    short = drawn(ClosingScreen(scene, closing, rows=34), 100, None).rstrip("\n")
    assert len(short.splitlines()) <= 34
    assert "more parts)" in short
    whole = drawn(ClosingScreen(scene, closing), 100, None)
    assert len(whole.splitlines()) > 50
    assert "more parts)" not in whole


def test_the_picture_shows_the_screen_and_refers_to_nothing_outside_itself(tmp_path):
    screen = ClosingScreen(a_hostile_scene(), a_closing())
    for name in ("one.svg", "two.svg"):
        save_picture(screen, tmp_path / name)
    text = (tmp_path / "one.svg").read_text()
    assert "Right" in text
    assert "url(http" not in text.replace('"', "")
    assert "href" not in text
    assert text == (tmp_path / "two.svg").read_text()
    ElementTree.fromstring(text)  # noqa: S314 - ours


def test_the_report_says_what_the_screen_says():
    strangers = (a_seen_alert("ci-runner-2", fingerprint="n1", rule="NodeDiskAlmostFull"),)
    scene = a_scene(an_incident("f1"), alerts=(a_seen_alert(fingerprint="f1"), *strangers))
    outcome = Outcome(
        problems=("x.",), payloads=(told(),), wall_seconds=50.04, reaction_seconds=1.2
    )
    found = report(scene, outcome)
    assert (found["ok"], found["problems"], found["alerts"]) == (False, ["x."], 2)
    assert found["incident"]["top"] == "db"
    assert found["incident"]["pattern"] == "db.full"
    assert found["incident"]["holder"] == "job"
    assert found["incident"]["opened_after_seconds"] == 10.0
    assert [row["rule"] for row in found["apart"]] == ["NodeDiskAlmostFull"]
    assert found["seconds"] == {"to_incident_wall": 1.2, "demo_wall": 50.0}
    assert "simulated cases" in found["model_origin"]


def test_without_an_incident_the_report_has_none():
    outcome = Outcome(problems=("x.",), payloads=(), wall_seconds=1, reaction_seconds=None)
    assert report(a_scene(), outcome)["incident"] is None


def test_the_next_steps_name_every_address_and_only_commands_that_exist(tmp_path):
    where = Addresses(bootstrap="127.0.0.1:1", gateway="http://127.0.0.1:2", health="http://h:3")
    text = next_steps(where, tmp_path / "rootline.toml", tmp_path / "recording")
    assert all(part in text for part in ("127.0.0.1:1", "http://127.0.0.1:2", "http://h:3"))
    commands = re.findall(r"^  rootline (\S+)", text, re.MULTILINE)
    assert commands
    assert set(commands) <= set(SUBCOMMANDS)


def test_plain_lines_tell_each_thing_once(tmp_path):
    said: list[str] = []
    stage = a_stage(parts={"broker": "127.0.0.1:9"})
    performance = Performance(tmp_path, "pool_exhaustion", 1, stage, lambda: None)
    performance.scene = a_hostile_scene()
    performance.chat.messages.append(received(told()))
    narrator = Narrator(stage, said.append)
    narrator.tell(performance)
    first = len(said)
    narrator.tell(performance)
    assert len(said) == first
    kinds = [line.split()[0] for line in said]
    assert kinds.count("alert") == 30
    assert kinds.count("incident") == 1
    assert kinds.count("chat") == 1
    assert kinds.count("start") == 1
    assert all(char.isprintable() for line in said for char in line)

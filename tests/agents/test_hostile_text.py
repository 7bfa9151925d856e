"""Hostile text through the real commands, to terminals, JSON, logs, Markdown and HTML."""

import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import threading
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from rich.table import Table
from rich.text import Text

from agents.cli import main
from agents.evaluation.report_html import element, table
from agents.evaluation.report_markdown import _cell
from agents.logs import LoggingConfig, configure_logging
from agents.recordings import write_recording
from agents.terminal import Terminal
from schemas.recording import Message
from tests.agents.hostile_text import HOSTILE, driving
from tests.agents.recorded import START_MS, small

ROOT = Path(__file__).parents[2]


def hostile_recording(folder: Path) -> Path:
    """One storm in which every label and annotation is hostile, and alerts that cannot be read."""
    alerts = []
    for number, text in enumerate(HOSTILE):
        value = {
            "status": "firing",
            "labels": {
                "alertname": text[:500],
                "service": f"{text[:300]} {number}",
                "severity": "critical",
                text[:200] or "x": text[:500],
            },
            "annotations": {"summary": text},
            "startsAt": "2026-03-02T10:00:00Z",
        }
        alerts.append(Message(arrived_ms=START_MS + number, value=orjson.dumps(value)))
        broken = {"labels": {"alertname": text}, "startsAt": text}
        alerts.append(Message(arrived_ms=START_MS + number, value=orjson.dumps(broken)))
    write_recording(small(alerts=tuple(alerts)), folder / "recording")
    return folder / "recording"


def printed(*arguments: str, environ: dict[str, str] | None = None) -> str:
    """Run a command in this process, which is quicker, and return its output."""
    return CliRunner(env=environ).invoke(main, arguments).stdout


def on_a_terminal(*arguments: str, folder: Path) -> str:
    """Run a command with a terminal as its output, and return what it wrote there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "agents", *arguments],
        cwd=folder,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,  # progress, of words of ours
    ):
        os.close(theirs)
        written = b""
        try:
            while chunk := os.read(ours, 65536):
                written += chunk
        except OSError:
            pass  # how Linux says that nobody holds the other end any more
        finally:
            os.close(ours)
    # The line discipline of the terminal adds a carriage return to each line break.
    return written.decode().replace("\r\n", "\n")


def test_a_replay_shows_hostile_labels_as_text(tmp_path):
    recording = hostile_recording(tmp_path)
    shown = on_a_terminal("replay", str(recording), folder=tmp_path)
    assert "\x1b[" in shown, "it was no terminal"
    assert "recording" in shown or "revision" in shown
    assert "bold red" in shown  # markup is read from nothing
    assert driving(shown) == []


def test_json_has_no_raw_control_and_loses_nothing(tmp_path):
    shown = printed("replay", str(hostile_recording(tmp_path)), "--json")
    lines = [line for line in shown.split("\n") if line.startswith("{")]
    assert lines
    assert all(driving(line) == [] for line in lines)
    rows = [json.loads(line) for line in lines]
    members = [alert for row in rows if "incident" in row for alert in row["incident"]["alerts"]]
    said = {alert["annotations"].get("summary", "") for alert in members}
    assert HOSTILE[2] in said
    assert HOSTILE[6] in said


def test_a_hostile_file_name_and_case_are_said_as_text(tmp_path):
    library = tmp_path / "library"
    library.mkdir()
    name = "\x1b]0;title\x07\u202ecases.jsonl"
    (library / name).write_text('{"case": "\\u001b[2J", "row": 1}\nnot json \x1b[2J\n')
    shown = printed("cases", "verify", "--own", "--library", str(library))
    assert "cases.jsonl" in shown
    assert driving(shown) == []


class Hostile(BaseHTTPRequestHandler):
    """A gateway whose answer is hostile."""

    def do_GET(self) -> None:
        reasons = {f"r{n}": text for n, text in enumerate(HOSTILE[:10])}
        body = json.dumps({"reasons": reasons}).encode()
        self.send_response(503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def test_the_doctor_says_hostile_answers_as_text():
    with HTTPServer(("127.0.0.1", 0), Hostile) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        environ = {
            "ROOTLINE_GATEWAY__PORT": str(server.server_address[1]),
            "ROOTLINE_KAFKA__BOOTSTRAP": "127.0.0.1:1",
            "ROOTLINE_TELEMETRY__ENABLED": "false",
        }
        arguments = ("doctor", "--timeout", "2")
        shown = printed(*arguments, environ=environ)
        as_json = printed(*arguments, "--json", environ=environ)
        server.shutdown()
        thread.join()
    assert "is not ready: " in shown
    assert driving(shown) == []
    assert driving(as_json) == []
    findings = json.loads(as_json)["findings"]
    assert any(HOSTILE[1] in finding["sentence"] for finding in findings)


@pytest.mark.parametrize("form", ["json", "human"])
def test_logs_hold_hostile_text_on_the_line_it_belongs_to(form):
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    configure_logging(LoggingConfig(form=form), stream=stream)
    try:
        for text in HOSTILE:
            logging.getLogger("tests.hostile").warning("said %s", text, extra={"service": text})
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.captureWarnings(capture=False)
    lines = stream.getvalue().split("\n")[:-1]
    assert len(lines) == len(HOSTILE)
    assert all(driving(line) == [] for line in lines)
    if form == "json":
        assert [json.loads(line)["service"] for line in lines] == list(HOSTILE)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_a_table_keeps_its_shape_and_its_text_whatever_is_in_it(number):
    text = HOSTILE[number][:200]
    out = io.StringIO()
    terminal = Terminal(file=out, force_terminal=True, width=60, color_system="truecolor")
    grid = Table("a", "b", title=text, caption=Text(text))
    grid.add_row(text, Text(text, style="bold"))
    grid.add_row(Text("link", style="link https://ok.example"), Text("x", style=f"link {text}"))
    terminal.print(grid)
    terminal.print(text)
    # A link's address ends where the sequence that holds it does: nothing of it gets out.
    drawn = re.sub(r"\x1b\]8;[^;]*;[\x20-\x7e]*?\x1b\\", "", out.getvalue())
    assert driving(drawn) == []


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_markdown_keeps_hostile_text_in_its_cell(number):
    cell = _cell(HOSTILE[number])
    assert "\n" not in cell
    assert driving(cell) == []
    # What ends a cell, opens a tag, a link or an emphasis stands behind a backslash of ours:
    # without the pairs nothing of it is left.
    assert not re.search(r"[|<>`*_!\[\]]", re.sub(r"\\.", "", cell))


class Read(HTMLParser):
    """Collects a page's tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_html_has_no_tag_or_attribute_of_hostile_text(number):
    text = HOSTILE[number]
    page = element("p", text, element("b", text), title=text) + table([text], [[text]])
    read = Read()
    read.feed(page)
    assert read.tags == ["p", "b", "div", "table", "thead", "tr", "th", "tbody", "tr", "td"]
    known = {"title", "class", "tabindex", "scope"}
    assert {name for name, _ in read.attributes} <= known
    assert driving(read.text) == []
    assert driving(page) == []


def test_nobody_prints_another_way():
    allowed = {"terminal.py"}
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "agents").rglob("*.py"))
        if path.name not in allowed
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\bConsole\(|(?<![.\w])(?<!>>> )print\(|sys\.stdout\.write", line)
        or re.search(r"click\.(echo|secho)\((?!orjson)", line)
    ]
    # Each has only text of ours, or cleans what it prints.
    known = {"agents/settings_docs.py", "agents/doctor.py", "agents/broker/command.py"}
    others = [place for place in found if place.rsplit(":", 1)[0] not in known]
    assert others == [], "print through agents/terminal.py"

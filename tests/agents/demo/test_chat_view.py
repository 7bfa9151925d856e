"""A message on a terminal looks as it does in chat."""

from typing import Any

from rich.console import Console

from agents.demo.chat_view import render_terminal


def _drawn(payload: dict[str, Any], width: int = 60) -> str:
    console = Console(width=width, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(render_terminal(payload))
    return capture.get()


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_header_sections_and_small_print_come_in_order_without_their_markup() -> None:
    drawn = _drawn(
        {
            "text": "not shown beside blocks",
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "🔴 db: pool"}},
                _section("*report-job holds 92 %*\n_path_ `a_b` 2 * 3 * 4 snake_case_name"),
                {"type": "divider"},
                {
                    "type": "context",
                    "elements": [
                        {"type": "mrkdwn", "text": "<https://rootline.example/x|Open> incident 6f"}
                    ],
                },
            ],
        }
    )
    lines = [line.strip("┃ \n") for line in drawn.splitlines()]
    assert lines[0].startswith("┏━ Rootline  APP")
    assert lines[1:4] == ["🔴 db: pool", "", "report-job holds 92 %"]
    assert lines[4] == "path a_b 2 * 3 * 4 snake_case_name"
    assert lines[-2] == "Open incident 6f"
    assert "not shown" not in drawn


def test_a_message_without_blocks_shows_its_text() -> None:
    assert "just text" in _drawn({"text": "just *text*"})


def test_escaped_text_is_shown_as_written_and_never_becomes_markup() -> None:
    drawn = _drawn({"blocks": [_section("&lt;https://evil.example|x&gt; a &amp;lt; b")]})
    assert "<https://evil.example|x> a &lt; b" in drawn


def test_neither_rich_markup_nor_control_characters_reach_the_terminal() -> None:
    drawn = _drawn({"blocks": [_section("[bold red]x[/] \x1b[2J\x07 [link=file:///x]y[/link]")]})
    assert "[bold red]x[/] [2J [link=file:///x]y[/link]" in drawn
    assert "\x1b" not in drawn

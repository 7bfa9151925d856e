"""The last screen as a picture: SVG that refers to nothing outside itself."""

import io
import re
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import RenderableType

from agents.terminal import Terminal

_COLUMNS = 100
# Rich's own frame fetches its font from the network.
_FRAME = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)


def save_picture(screen: RenderableType, path: Path) -> None:
    """Save a screen as SVG; the same screen gives the same bytes."""
    console = Terminal(
        record=True,
        width=_COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(screen)
    console.save_svg(
        str(path), title="rootline demo", code_format=_FRAME, unique_id="rootline-demo"
    )

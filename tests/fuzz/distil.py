"""Takes from the working corpus what is worth keeping in the tree: little, and each for new lines.

    python -m tests.fuzz.distil [--folder build/fuzz]

Inputs are tried from the smallest on; one is kept when it reaches a line of ours that no smaller
one has reached, as long as there is room. What was kept before is tried again like the others.
"""

import argparse
import hashlib
import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from tests.fuzz.campaign import PACKAGES
from tests.fuzz.oracle import FindingError, Target, judge
from tests.fuzz.targets import TARGETS

ROOM_BYTES = 16 * 1024
"""For one target; all of them together stay below a megabyte."""
TRIED = 400
BUDGET_SECONDS = 15.0
"""Processor time for one target; tracing is slow, and so are some targets."""
SECONDS = 60.0
HERE = Path(__file__).parent
OURS = tuple(str(HERE.parents[1] / package) for package in PACKAGES)

Line = tuple[str, int]


@contextmanager
def tracing(lines: set[Line]) -> Iterator[None]:
    """Note every line of ours that is run."""

    def local(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def begin(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(OURS) else None

    before = sys.gettrace()
    sys.settrace(begin)
    try:
        yield
    finally:
        sys.settrace(before)


def distilled(target: Target, found: list[bytes]) -> list[bytes]:
    """Choose among inputs; seeds count as reached, since they are in the code."""
    reached: set[Line] = set()
    for seed in target.seeds:
        with tracing(reached):
            judge(target, seed, seconds=SECONDS)
    begun = time.process_time()
    kept: list[bytes] = []
    room = ROOM_BYTES
    for data in sorted(set(found) - set(target.seeds), key=lambda each: (len(each), each))[:TRIED]:
        if time.process_time() - begun > BUDGET_SECONDS:
            break
        lines: set[Line] = set()
        with suppress(FindingError), tracing(lines):
            judge(target, data, seconds=SECONDS)
        if not lines <= reached and len(data) <= room:
            reached |= lines
            kept.append(data)
            room -= len(data)
    return kept


def main() -> None:
    """Distil every target's corpus into the tree."""
    parser = argparse.ArgumentParser(prog="distil", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    folder = parser.parse_args().folder
    logging.disable(logging.CRITICAL)
    for name, target in TARGETS.items():
        there = [folder / "corpus" / name, HERE / "corpus" / name]
        found = [path.read_bytes() for place in there for path in sorted(place.glob("*"))]
        kept = distilled(target, found)
        shutil.rmtree(HERE / "corpus" / name, ignore_errors=True)
        if kept:
            (HERE / "corpus" / name).mkdir(parents=True)
        for data in kept:
            (HERE / "corpus" / name / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        size = sum(map(len, kept))
        print(f"{name:28} {len(found):>6} tried, {len(kept):>4} kept, {size:>6} bytes", flush=True)  # noqa: T201 -- its output


if __name__ == "__main__":
    main()

"""`make fuzz`: every target for some seconds, one after the other, each in its own process.

    python -m tests.fuzz.campaign [--seconds 60] [--folder build/fuzz] [TARGET ...]

Exits with 1 when there are findings. The counts add up over runs in FOLDER/report.json, which
`python -m tests.fuzz.page` writes into docs/FUZZING.md.
"""

import argparse
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from tests.fuzz.targets import TARGETS

START_SECONDS = 180
"""How much longer than asked a process may take: importing instrumented code is slow."""


def fuzz(name: str, seconds: float, folder: Path) -> dict[str, Any]:
    """Run one target in a process of its own; one that ends badly is a finding."""
    said = folder / f"{name}.json"
    said.unlink(missing_ok=True)
    log = folder / f"{name}.log"
    argv = [sys.executable, "-m", "tests.fuzz.drive", name, str(seconds), str(folder)]
    with log.open("wb") as stream:
        try:
            code = subprocess.run(
                argv, stdout=stream, stderr=stream, timeout=seconds + START_SECONDS, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    if not said.exists():
        return {"target": name, "inputs": 0, "findings": {f"exit code {code}": log.name}}
    found: dict[str, Any] = orjson.loads(said.read_bytes())
    if code != 0:
        found["findings"][f"exit code {code}"] = f"the process ended early; see {log}"
    return found


def add(folder: Path, found: dict[str, Any]) -> None:
    """Add a run to the report: counts add up, the peak is the highest."""
    path = folder / "report.json"
    report = orjson.loads(path.read_bytes()) if path.exists() else {}
    entry = report.setdefault(
        found["target"], {"inputs": 0, "taken": 0, "seconds": 0.0, "peak_mb": 0, "findings": 0}
    )
    for key in ("inputs", "taken", "seconds"):
        entry[key] = round(entry[key] + found.get(key, 0), 1)
    entry["peak_mb"] = max(entry["peak_mb"], found.get("peak_mb", 0))
    entry["findings"] += len(found["findings"])
    entry["guided"] = find_spec("atheris") is not None
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def main() -> int:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all where none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    asked = parser.parse_args()
    unknown = sorted(set(asked.targets) - TARGETS.keys())
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}; there are {', '.join(TARGETS)}")
    asked.folder.mkdir(parents=True, exist_ok=True)
    guided = "atheris, guided by coverage" if find_spec("atheris") else "mutation alone"
    sys.stdout.write(f"fuzzing by {guided}, {asked.seconds:.0f} s each\n")
    total = bad = 0
    for name in asked.targets or TARGETS:
        found = fuzz(name, asked.seconds, asked.folder)
        add(asked.folder, found)
        total += found["inputs"]
        bad += len(found["findings"])
        sys.stdout.write(f"{name:28} {found['inputs']:>9} inputs\n")
        for key, text in found["findings"].items():
            sys.stdout.write(f"  finding: {key}: {text}\n")
        sys.stdout.flush()
    sys.stdout.write(f"{total} inputs, {bad} findings; {asked.folder}/findings has them\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

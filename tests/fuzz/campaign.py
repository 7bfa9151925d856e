"""`make fuzz`: every target for some seconds, one after the other, each in its own process.

    python -m tests.fuzz.campaign [--seconds 60] [--folder build/fuzz] [TARGET ...]

Exits with 1 when there are findings. The counts add up over runs in FOLDER/report.json, which
`python -m tests.fuzz.page` writes into docs/FUZZING.md.
"""

import argparse
import contextlib
import io
import logging
import os
import signal
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

PACKAGES = ["schemas", "pipeline", "models", "agents"]
GRACE_SECONDS = 60
"""How much longer than asked a target may take before its process is ended."""


def load() -> tuple[dict[str, Any], Any]:
    """Import the targets, instrumented where atheris is there; return them and atheris."""
    if find_spec("atheris") is None:
        return import_module("tests.fuzz.targets").TARGETS, None
    atheris = import_module("atheris")
    # Importing what is instrumented takes long and says much, so it is done once, for all.
    with contextlib.redirect_stderr(io.StringIO()), atheris.instrument_imports(include=PACKAGES):
        targets = import_module("tests.fuzz.targets").TARGETS
    return targets, atheris


def fuzz(target: Any, seconds: float, folder: Path, atheris: Any) -> dict[str, Any]:
    """Run one target in a process of its own; one that ends badly is a finding."""
    said = folder / f"{target.name}.json"
    said.unlink(missing_ok=True)
    log = folder / f"{target.name}.log"
    child = os.fork()
    if child == 0:
        _be_child(target, seconds, folder, atheris)
    code = _ended(child, time.monotonic() + seconds + GRACE_SECONDS)
    if not said.exists():
        return {
            "target": target.name,
            "inputs": 0,
            "findings": {f"exit code {code}": f"nothing was run; see {log}"},
        }
    found: dict[str, Any] = orjson.loads(said.read_bytes())
    if code != 0:
        found["findings"][f"exit code {code}"] = f"the process ended early; see {log}"
    return found


def _be_child(target: Any, seconds: float, folder: Path, atheris: Any) -> None:
    drive = import_module("tests.fuzz.drive")
    log = os.open(folder / f"{target.name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # What the code under test logs about hostile input would be all that one sees.
    logging.disable(logging.CRITICAL)
    try:
        run = drive.Run(target, seconds, folder)
        if atheris is None:
            drive.by_mutation(run)
        else:
            drive.by_coverage(run, atheris)
    except BaseException:
        logging.disable(logging.NOTSET)
        logging.getLogger(__name__).exception("the run broke off")
        os._exit(3)
    os._exit(0)


def _ended(child: int, until: float) -> int:
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid == child:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.2)


def add(folder: Path, found: dict[str, Any], *, guided: bool) -> None:
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
    entry["guided"] = guided
    path.write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))


def main() -> int:
    """Run as the module's docstring says."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="all where none is named")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each target")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"))
    asked = parser.parse_args()
    targets, atheris = load()
    unknown = sorted(set(asked.targets) - targets.keys())
    if unknown:
        parser.error(f"there is no target {unknown[0]!r}; there are {', '.join(targets)}")
    (asked.folder / "findings").mkdir(parents=True, exist_ok=True)
    guided = "atheris, guided by coverage" if atheris else "mutation alone: atheris is not there"
    print(f"fuzzing by {guided}; {asked.seconds:.0f} s each", flush=True)  # noqa: T201 -- its output
    total = bad = 0
    for name in asked.targets or targets:
        found = fuzz(targets[name], asked.seconds, asked.folder, atheris)
        add(asked.folder, found, guided=atheris is not None)
        total += found["inputs"]
        bad += len(found["findings"])
        print(f"{name:28} {found['inputs']:>9} inputs", flush=True)  # noqa: T201
        for key, text in found["findings"].items():
            print(f"  finding: {key}: {text}", flush=True)  # noqa: T201
    print(f"{total} inputs, {bad} findings (in {asked.folder}/findings)")  # noqa: T201
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

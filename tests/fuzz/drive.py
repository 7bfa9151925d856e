"""Fuzzes one target for some seconds and writes as JSON what came of it: called by `campaign`.

By atheris (guided by coverage) where it is there, else by mutation alone. A finding is saved and
the run goes on; what hangs or outgrows its memory ends the process, which counts as one.
"""

import hashlib
import re
import resource
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any

import orjson

from tests.fuzz.mutation import mutate
from tests.fuzz.oracle import FindingError, Target, judge

MEMORY_MB = 1_500
HANG_SECONDS = 30
MUTATED_SHARE = 0.75
REPORT_SECONDS = 2.0
HERE = Path(__file__).parent


class Run:
    """Counts inputs and findings; a finding is known by the exception and where it was raised."""

    def __init__(self, target: Target, seconds: float, folder: Path) -> None:
        self.target = target
        self.seconds = seconds
        self.folder = folder
        self.inputs = 0
        self.taken = 0
        self.found: dict[str, str] = {}
        self.begun = time.monotonic()
        self._written = 0.0

    def one(self, data: bytes) -> bool:
        """Judge one input."""
        self.inputs += 1
        taken = False
        try:
            taken = judge(self.target, data)
            self.taken += taken
        except FindingError as error:
            self._keep(error, data)
        now = time.monotonic()
        # Nothing runs after the end, so what is nearly up is reported each time.
        if now - self._written > REPORT_SECONDS or now - self.begun > self.seconds - 0.2:
            self.report()
        return taken

    def for_atheris(self, data: bytes) -> None:
        """Judge one input; atheris wants no answer."""
        self.one(data)

    def _keep(self, error: BaseException, data: bytes) -> None:
        cause = error.__cause__ or error
        frames = traceback.extract_tb(cause.__traceback__)
        behind = [frame for frame in frames if "/tests/fuzz/oracle" not in frame.filename]
        last = behind[-1] if behind else frames[-1]
        sentence = re.sub(r"\d+", "N", str(error))[:60] if error is cause else ""
        key = f"{type(cause).__name__} {Path(last.filename).name}:{last.lineno} {sentence}".strip()
        if key in self.found:
            return
        name = hashlib.sha256(data).hexdigest()[:16]
        self.found[key] = f"{name}: {str(error)[:300]}"
        folder = self.folder / "findings" / self.target.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        text = "".join(traceback.format_exception(cause))[-4_000:]
        (folder / f"{name}.txt").write_text(f"{error}\n{text}", encoding="utf-8", errors="replace")
        self.report()

    def report(self) -> None:
        """Write what is known, so that a process that is ended has said it."""
        self._written = time.monotonic()
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        said = {
            "target": self.target.name,
            "inputs": self.inputs,
            "taken": self.taken,
            "seconds": round(self._written - self.begun, 1),
            "peak_mb": peak_kb // 1024,
            "findings": self.found,
        }
        (self.folder / f"{self.target.name}.json").write_bytes(orjson.dumps(said))

    def begin(self) -> list[bytes]:
        """Lay the seeds and what is kept into the working corpus; return all of it."""
        corpus = self.folder / "corpus" / self.target.name
        corpus.mkdir(parents=True, exist_ok=True)
        kept = [
            path.read_bytes()
            for kind in ("corpus", "regressions")
            for path in (HERE / kind / self.target.name).glob("*")
        ]
        for data in (*self.target.seeds, *kept):
            (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
        return [path.read_bytes() for path in sorted(corpus.iterdir())]


def by_coverage(run: Run, atheris: Any) -> None:
    """Let atheris choose what is kept and changed further; it ends the process."""
    run.begin()

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < MUTATED_SHARE:
            return mutate(data, random, run.target)[:max_size]
        changed: bytes = atheris.Mutate(data, max_size)
        return changed

    arguments = [
        "fuzz",
        str(run.folder / "corpus" / run.target.name),
        f"-max_total_time={int(run.seconds)}",
        "-max_len=65536",
        "-verbosity=0",
        f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={run.folder}/findings/{run.target.name}-",
    ]
    atheris.Setup(arguments, run.for_atheris, custom_mutator=mutated)
    atheris.Fuzz()


def by_mutation(run: Run) -> None:
    """Change what is known; what is taken, and every tenth of the rest, is changed further."""
    pool = run.begin()
    random = Random(run.target.name)
    for data in pool:
        run.one(data)
    while time.monotonic() - run.begun < run.seconds:
        data = mutate(random.choice(pool), random, run.target)
        if run.one(data) or random.random() < 0.1:
            pool[random.randrange(len(pool)) if len(pool) > 5_000 else len(pool) :] = [data]
    run.report()

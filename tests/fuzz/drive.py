"""Fuzzes one target for some seconds and says as JSON what came of it: run by `campaign`.

    python -m tests.fuzz.drive TARGET SECONDS FOLDER

By atheris (guided by coverage) where it is installed, else by mutation alone. A finding is saved
and the run goes on; what hangs or outgrows its memory ends the process, which counts as one.
"""

import hashlib
import logging
import re
import resource
import sys
import time
import traceback
from importlib.util import find_spec
from pathlib import Path
from random import Random

import orjson

PACKAGES = ["schemas", "pipeline", "models", "agents"]
MEMORY_MB = 1_500
HANG_SECONDS = 30
MUTATED_SHARE = 0.75


class Run:
    """Counts inputs and findings; a finding is known by the exception and where it was raised."""

    def __init__(self, name: str, seconds: float, folder: Path) -> None:
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415 -- inside atheris' import hook

        self.target = TARGETS[name]
        self.seconds = seconds
        self.folder = folder
        self.inputs = 0
        self.taken = 0
        self.found: dict[str, str] = {}
        self.begun = time.monotonic()
        self._written = 0.0

    def one(self, data: bytes) -> bool:
        """Judge one input."""
        from tests.fuzz.oracle import FindingError, judge  # noqa: PLC0415 -- as above

        self.inputs += 1
        try:
            taken = judge(self.target, data)
            self.taken += taken
        except FindingError as error:
            taken = False
            self._keep(error, data)
        if time.monotonic() - self._written > 2:
            self.report()
        return taken

    def for_atheris(self, data: bytes) -> None:
        """Judge one input; report once time is nearly up, since nothing runs after the end."""
        self.one(data)
        if self.inputs % 64 == 0 and time.monotonic() - self.begun > self.seconds - 1:
            self.report()

    def _keep(self, error: BaseException, data: bytes) -> None:
        cause = error.__cause__ or error
        frames = traceback.extract_tb(cause.__traceback__)
        ours = [frame for frame in frames if "/tests/fuzz/oracle" not in frame.filename]
        last = ours[-1] if ours else frames[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        sentence = re.sub(r"\d+", "N", str(error))[:60] if error is cause else ""
        key = f"{type(cause).__name__} {place} {sentence}"
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


def begin(run: Run) -> list[bytes]:
    """Lay the seeds and the kept corpus into the working corpus; return all of it."""
    corpus = run.folder / "corpus" / run.target.name
    corpus.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    known = [
        path
        for kind in ("corpus", "regressions")
        for path in (here / kind / run.target.name).glob("*")
    ]
    for data in (*run.target.seeds, *(path.read_bytes() for path in known)):
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    return [path.read_bytes() for path in sorted(corpus.iterdir())]


def by_coverage(name: str, seconds: float, folder: Path) -> None:
    """Let atheris choose what is kept and changed further; it ends the process."""
    import atheris  # noqa: PLC0415 -- not there everywhere

    with atheris.instrument_imports(include=PACKAGES):
        run = Run(name, seconds, folder)
    from tests.fuzz.mutation import mutate  # noqa: PLC0415 -- after the hook

    begin(run)

    def mutated(data: bytes, max_size: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < MUTATED_SHARE:
            return mutate(data, random, run.target)[:max_size]
        changed: bytes = atheris.Mutate(data, max_size)
        return changed

    arguments = [
        sys.argv[0],
        str(folder / "corpus" / name),
        f"-max_total_time={int(seconds)}",
        "-max_len=65536",
        "-verbosity=0",
        f"-timeout={HANG_SECONDS}",
        f"-rss_limit_mb={MEMORY_MB}",
        f"-artifact_prefix={folder}/findings/{name}-",
    ]
    atheris.Setup(arguments, run.for_atheris, custom_mutator=mutated)
    atheris.Fuzz()


def by_mutation(run: Run) -> None:
    """Change what is known; what is taken, and every tenth of the rest, is changed further."""
    from tests.fuzz.mutation import mutate  # noqa: PLC0415 -- beside its twin above

    pool = begin(run)
    random = Random(run.target.name)
    for data in pool:
        run.one(data)
    while time.monotonic() - run.begun < run.seconds:
        data = mutate(random.choice(pool), random, run.target)
        if run.one(data) or random.random() < 0.1:
            pool[random.randrange(len(pool)) if len(pool) > 5_000 else len(pool) :] = [data]
    run.report()


def main() -> None:
    """Run as the module's docstring says."""
    name, seconds, folder = sys.argv[1], float(sys.argv[2]), Path(sys.argv[3])
    (folder / "findings").mkdir(parents=True, exist_ok=True)
    # What the code under test logs about hostile input would be all that one sees.
    logging.disable(logging.CRITICAL)
    if find_spec("atheris"):
        by_coverage(name, seconds, folder)
    else:
        by_mutation(Run(name, seconds, folder))


if __name__ == "__main__":
    main()

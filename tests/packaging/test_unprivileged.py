"""The installed wheel really run as the container runs it: nobody, a read-only root, no HOME.

A mount namespace of its own makes every file system read-only but a tmpfs and the one volume.
There is no Docker engine where the tests run, so this stands for the image (and test_compose.py
reads its files). Needs root, setpriv and unshare; skipped elsewhere.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson
import pytest

from tests.integration.processes import free_port

ROOT = Path(__file__).parents[2]
NOBODY = "61234"
PATIENCE_SECONDS = 90.0
ALERT = {
    "labels": {"alertname": "HighLatency", "service": "cart"},
    "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
}
# The interpreter may lie where only root can read: reading is kept, writing is not.
CONFINED = """
set -e
mount --make-rprivate /
mount --bind "$VOLUME" "$VOLUME"
awk '{ print $2 }' /proc/mounts | while read -r place; do
  case "$place" in
    "$VOLUME") ;;
    /proc*|/sys*|/dev|/dev/*) ;;
    *) mount -o remount,bind,ro "$place" 2>/dev/null || true ;;
  esac
done
mount -t tmpfs -o size=16m,mode=1777,noexec,nosuid,nodev tmpfs "$SCRATCH"
cd /usr
exec setpriv --reuid "$WHO" --regid "$WHO" --clear-groups --no-new-privs \
  --bounding-set -all,+dac_read_search --inh-caps=-all,+dac_read_search \
  --ambient-caps=-all,+dac_read_search env -i "$@"
"""


def confined(argv: list[str], volume: Path, scratch: Path) -> list[str]:
    given = {"VOLUME": str(volume), "SCRATCH": str(scratch), "WHO": NOBODY}
    assigned = [f"{name}={value}" for name, value in given.items()]
    return ["env", *assigned, "unshare", "--mount", "bash", "-c", CONFINED, "confined", *argv]


def can_confine() -> bool:
    if os.geteuid() != 0 or not all(map(shutil.which, ("setpriv", "unshare", "bash"))):
        return False
    return subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not can_confine(), reason="needs root, setpriv and unshare --mount"),
]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The wheel in a folder of its own; its dependencies come from this environment."""
    out = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(out)], cwd=ROOT, check=True, timeout=120)
    (wheel,) = out.glob("*.whl")
    target = out / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", str(target), str(wheel)], check=True, timeout=120)
    return target


class Ground:
    """What the confined processes share: the volume, the scratch and how they are started."""

    def __init__(self, folder: Path, installed: Path) -> None:
        self.volume, self.scratch = folder / "volume", folder / "scratch"
        self.volume.mkdir()
        self.scratch.mkdir()
        os.chown(self.volume, int(NOBODY), int(NOBODY))
        self._logs = folder
        self._path = f"{installed}:{sysconfig.get_path('purelib')}"

    def argv(self, program: list[str], **settings: object) -> list[str]:
        environ = {
            "PATH": os.defpath,
            "TMPDIR": str(self.scratch),
            "PYTHONPATH": self._path,
            "PYTHONDONTWRITEBYTECODE": "1",
            **{f"ROOTLINE_{name}": str(value) for name, value in settings.items()},
        }
        assigned = [f"{name}={value}" for name, value in environ.items()]
        return confined([*assigned, sys.executable, *program], self.volume, self.scratch)

    @contextmanager
    def running(self, command: str, **settings: object) -> Iterator[dict]:
        """Run a command until its ready line has come; it has to end well when it is told to."""
        argv = self.argv(["-P", "-m", "agents", command, "--json"], **settings)
        log = self._logs / f"{command}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=stream)
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, log.read_text()[-3_000:]
            yield orjson.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            finally:
                process.stdout.close()
        assert code == 0, log.read_text()[-3_000:]


@pytest.fixture
def ground(tmp_path, installed) -> Ground:
    return Ground(tmp_path, installed)


def posted(url: str, value: object) -> int:
    request = urllib.request.Request(  # noqa: S310 -- http on loopback
        url, orjson.dumps(value), {"Content-Type": "application/json"}
    )
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        with suppress(urllib.error.URLError), urllib.request.urlopen(request, timeout=10) as got:  # noqa: S310 -- as above
            return int(got.status)
        assert time.monotonic() < until, "the gateway did not take the alert"
        time.sleep(0.2)


def test_the_ground_is_as_hard_as_it_claims(ground):
    tries = f"""
import os, pathlib
assert os.getuid() == {NOBODY} and "HOME" not in os.environ
for place in (".", "/", "/tmp", "/var/tmp", "/usr/local", "/dev/shm", {str(ROOT)!r}):
    try:
        (pathlib.Path(place) / "written-by-nobody").write_text("x")
    except OSError:
        continue
    if place != "/dev/shm":
        raise AssertionError(place)
    os.unlink("/dev/shm/written-by-nobody")
for place in ({str(ground.volume)!r}, os.environ["TMPDIR"]):
    (pathlib.Path(place) / "x").write_text("x")
"""
    done = subprocess.run(
        ground.argv(["-c", tries]), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_broker_worker_and_gateway_run_on_a_read_only_root_as_nobody(ground):
    library = ground.volume / "cases"
    with ground.running(
        "broker", BROKER__PORT=0, BROKER__DATA_DIR=ground.volume / "broker"
    ) as broker:
        bootstrap = broker["bootstrap"]
        with ground.running(
            "worker", BOOTSTRAP=bootstrap, TELEMETRY__PORT=0, CASES__LIBRARY_DIR=library
        ):
            port = free_port()
            with ground.running("gateway", BOOTSTRAP=bootstrap, GATEWAY__PORT=port):
                assert posted(f"http://127.0.0.1:{port}/api/v1/alertmanager", ALERT) in (200, 202)
    written = {path.relative_to(ground.volume).parts[0] for path in ground.volume.rglob("*")}
    assert written == {"broker"}
    assert not list(ground.scratch.iterdir()), "the tmpfs is gone with its namespace"

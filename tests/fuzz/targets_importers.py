"""Fuzz targets: the text parsers of the importers, each on one file of its set."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import orjson

from agents.importers import nezha_files, nezha_metrics, petshop, petshop_metrics, rcaeval, tvdiag
from agents.importers.csv_table import read_csv_table
from agents.importers.errors import LayoutError
from agents.importers.rcaeval_metrics import read_measured
from agents.importers.rcaeval_traces import read_traces
from agents.importers.span_kinds import spans_of
from schemas.codecs.alerts import decode_alerts
from schemas.codecs.recordings import spans_to_npz
from tests.fuzz import seeds
from tests.fuzz.oracle import Target
from tests.schemas.samples import T0


def _on_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        with tempfile.TemporaryDirectory(prefix="rootline-fuzz-") as folder:
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            read(path)

    return run


def _nezha_spans(path: Path) -> None:
    table = nezha_files.read_spans([path.parent]).table
    spans_to_npz(spans_of(table))


def _nezha_metrics(path: Path) -> None:
    pods = nezha_metrics.read_pods(path.parent)
    nezha_metrics.ruled_together(nezha_metrics.measured_between(pods, 0, 1 << 52))


def _rcaeval_traces(path: Path) -> None:
    spans_to_npz(spans_of(read_traces(path, T0 - 600_000, T0 + 600_000)))


def _tvdiag(path: Path) -> None:
    """A JSON object of the set's files, which `recordings` reads as a whole."""
    try:
        files = orjson.loads(path.read_bytes())
        orjson.dumps(files)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise LayoutError(str(error)) from error
    suite = path.parent / "shop"
    (suite / "raw").mkdir(parents=True)
    for name in ("label.csv", *(f"raw/{part}.json" for part in tvdiag._NEEDED)):
        content = files.get(name) if isinstance(files, dict) else None
        text = content if isinstance(content, str) else orjson.dumps(content).decode()
        (suite / name).write_text(text, encoding="utf-8", errors="replace")
    for recording in tvdiag.recordings(path.parent):
        for message in recording.alerts:
            decode_alerts(message.value)


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "import_csv": ("table.csv", read_csv_table),
    "import_petshop_metrics": ("metrics.csv", petshop_metrics.read_metrics),
    "import_petshop_graph": ("graph.csv", petshop._edges),
    "import_petshop_target": ("target.json", petshop._target),
    "import_nezha_faults": ("x-fault_list.json", nezha_files.read_faults),
    "import_nezha_spans": ("2026-09-01/trace/10_00_trace.csv", _nezha_spans),
    "import_nezha_metrics": ("pod_metric.csv", _nezha_metrics),
    "import_rcaeval_metrics": ("m.csv", lambda path: read_measured(path, T0 - 10**6, T0 + 10**6)),
    "import_rcaeval_traces": ("traces.csv", _rcaeval_traces),
    "import_rcaeval_time": ("inject_time.txt", rcaeval._injected_ms),
    "import_tvdiag_labels": ("label.csv", tvdiag._labels),
    "import_tvdiag": ("files.json", _tvdiag),
}

IMPORTERS = tuple(
    Target(
        name=name,
        run=_on_file(file, read),
        seeds=seeds.IMPORTED[name],
        refusals=(LayoutError,),
        form="json" if file.endswith(".json") else "text",
        words=seeds.IMPORT_WORDS,
    )
    for name, (file, read) in READERS.items()
)

"""Fuzz targets: what is read from files and from the state topics."""

import hashlib
import io
import tempfile
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import orjson

from agents.recordings import read_recording, write_recording
from agents.worker.snapshot import last_whole, pack
from models.artefact import read_artefact, write_artefact
from models.case_checks import check_library
from models.case_library import read_library
from models.case_rows import decode_rows, encode_rows
from models.errors import ModelError
from models.pattern_catalogue import default_catalogue, load_catalogue
from models.rules import RuleRanker
from pipeline.config import PipelineConfig
from pipeline.correlator import Correlator
from pipeline.graph_files import read_graph
from pipeline.reduce.config import ReduceConfig
from pipeline.reduce.metrics import MetricReducer
from pipeline.reduce.spans import SpanReducer
from schemas.codecs.recordings import (
    metrics_from_npz,
    metrics_to_npz,
    spans_from_npz,
    spans_to_npz,
)
from schemas.errors import SchemaError
from schemas.resolve import Resolver, ResolverConfig
from tests.fuzz import seeds
from tests.fuzz.oracle import Target
from tests.fuzz.protobuf_fields import fields_of
from tests.fuzz.worlds import of_json

_SNAPSHOT_BYTES = 1 << 20


def _artefact(data: bytes) -> None:
    """The checksum is made to fit, else nothing behind it would ever be reached."""
    try:
        body = orjson.loads(data)
        if isinstance(body, dict):
            body.pop("sha256", None)
            digest = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
            data = orjson.dumps(body | {"sha256": digest})
    except (orjson.JSONDecodeError, TypeError):
        pass
    artefact = read_artefact(data)
    written = write_artefact(artefact.parameters, artefact.provenance)
    again = read_artefact(written)
    assert write_artefact(again.parameters, again.provenance) == written, "written in two ways"


def _case_rows(data: bytes) -> None:
    try:
        rows = list(decode_rows(data))
    finally:
        check_library([("own.jsonl", data)], default_catalogue())
        check_library([("verdicts-0.jsonl", data)], default_catalogue())
    written = b"".join(encode_rows(rows))
    assert b"".join(encode_rows(decode_rows(written))) == written, "rows written in two ways"
    read_library([("own.jsonl", data)])


def _patterns(data: bytes) -> None:
    load_catalogue({"own.yaml": data})


def _graph(data: bytes) -> None:
    text = data.decode("utf-8")
    refused: SchemaError | None = None
    for name in ("graph.yaml", "graph.csv"):
        try:
            read_graph(text, name=name)
        except SchemaError as error:
            refused = error
    if refused:
        raise refused


def _npz(data: bytes) -> None:
    """A zip as it is, or members put into one: the number of a field says which it is."""
    if data[:2] != b"PK":
        data = _archive(data)
    spans: object = None
    try:
        spans = spans_from_npz(data)
    except SchemaError:
        metrics = metrics_from_npz(data)
        written = metrics_to_npz(metrics)
        assert metrics_to_npz(metrics_from_npz(written)) == written
        return
    written = spans_to_npz(spans)  # type: ignore[arg-type]  # narrowed by the try
    assert spans_to_npz(spans_from_npz(written)) == written, "spans that come back as others"


def _archive(data: bytes) -> bytes:
    buffer = io.BytesIO()
    members = {number: value for number, _, value in fields_of(data) or ()}
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, value in members.items():
            archive.writestr(f"{seeds.MEMBERS[number % len(seeds.MEMBERS)]}.npy", value)
    return buffer.getvalue()


def _recording(data: bytes) -> None:
    """A JSON object of file names and what they hold."""
    try:
        files = orjson.loads(data)
        orjson.dumps(files)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise SchemaError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="rootline-fuzz-") as name:
        folder = Path(name)
        for file in seeds.RECORDING_FILES:
            content = files.get(file) if isinstance(files, dict) else None
            if content is not None:
                written = content if isinstance(content, str) else orjson.dumps(content).decode()
                (folder / file).write_bytes(written.encode("utf-8", "replace"))
        recording = read_recording(folder)
        write_recording(recording, folder / "again")
        assert read_recording(folder / "again") == recording, "a recording that comes back changed"


@dataclass
class _Record:
    value: bytes | None
    key: bytes | None = b"0/0"
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    topic: str = "state"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0


def _snapshots(data: bytes) -> None:
    """JSON lines of records: key, value and headers as text of one byte a character."""
    records = []
    for line in data.split(b"\n"):
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(document, dict):
            headers = document.get("headers")
            named = headers.items() if isinstance(headers, dict) else ()
            records.append(
                _Record(
                    value=_bytes(document.get("value")),
                    key=_bytes(document.get("key")),
                    headers=[(name, _bytes(value) or b"") for name, value in named],
                )
            )
    found = last_whole(records, _SNAPSHOT_BYTES)
    if found is not None:
        assert len(found.state) <= _SNAPSHOT_BYTES, "more state than is allowed"
        assert list(pack(found, topic="t", partition=0, snapshot_id="i", chunk_bytes=1024))


def _bytes(value: object) -> bytes | None:
    return value.encode("latin-1", "replace") if isinstance(value, str) else None


def _correlator_state(data: bytes) -> None:
    correlator = Correlator(PipelineConfig(), RuleRanker())
    correlator.restore(data)
    written = correlator.snapshot()
    again = Correlator(PipelineConfig(), RuleRanker())
    again.restore(written)
    assert again.snapshot() == written, "a state that comes back as another"


def _span_state(data: bytes) -> None:
    reducer = SpanReducer("spans/0", Resolver(ResolverConfig()), ReduceConfig())
    reducer.restore(_packed(data))


def _metric_state(data: bytes) -> None:
    reducer = MetricReducer("metrics/0", Resolver(ResolverConfig()), ReduceConfig())
    reducer.restore(_packed(data))


def _packed(data: bytes) -> bytes:
    """A state as MessagePack in zlib, given as JSON; what is no JSON stands as it is."""
    try:
        state = msgspec.msgpack.encode(of_json(msgspec.json.decode(data)))
    except (msgspec.MsgspecError, OverflowError, RecursionError):
        state = data
    return zlib.compress(state, 1)


# What cannot be restored is rebuilt from the input, whatever the error was (worker/opening.py).
_ANY_STATE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
_PATTERN_WORDS = seeds.PATTERN_WORDS

FILES = (
    Target(name="artefact", run=_artefact, seeds=seeds.ARTEFACTS, refusals=(ModelError,)),
    Target(
        name="case_rows",
        run=_case_rows,
        seeds=seeds.CASE_ROWS,
        refusals=(ModelError,),
        form="lines",
    ),
    Target(
        name="patterns",
        run=_patterns,
        seeds=seeds.PATTERNS,
        refusals=(ModelError,),
        form="text",
        words=_PATTERN_WORDS,
    ),
    Target(
        name="graph_files",
        run=_graph,
        seeds=seeds.GRAPHS,
        refusals=(SchemaError, UnicodeDecodeError),
        form="text",
        words=seeds.GRAPH_WORDS,
    ),
    Target(
        name="npz",
        run=_npz,
        seeds=seeds.NPZ,
        refusals=(SchemaError,),
        form="protobuf",
        words=seeds.NPZ_WORDS,
    ),
    Target(
        name="recording",
        run=_recording,
        seeds=seeds.RECORDINGS,
        refusals=(SchemaError,),
        words=tuple(name.encode() for name in seeds.RECORDING_FILES),
    ),
    Target(
        name="snapshot_records",
        run=_snapshots,
        seeds=seeds.SNAPSHOTS,
        refusals=(ValueError,),
        form="lines",
        words=(b"0/1", b"1/2", b"rootline.snapshot.offset"),
    ),
    Target(
        name="correlator_state",
        run=_correlator_state,
        seeds=seeds.CORRELATOR_STATES,
        refusals=_ANY_STATE,
    ),
    Target(
        name="span_state",
        run=_span_state,
        seeds=seeds.SPAN_STATES,
        refusals=_ANY_STATE,
    ),
    Target(
        name="metric_state",
        run=_metric_state,
        seeds=seeds.METRIC_STATES,
        refusals=_ANY_STATE,
    ),
)

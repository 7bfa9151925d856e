import numpy as np
import orjson
import pytest

from agents.recordings import read_recording, write_recording
from schemas.errors import SchemaError
from schemas.recording import Fault, Message
from tests.agents.recorded import alert_message, small, storm


def values(messages: tuple[Message, ...]) -> list[tuple[int, object]]:
    return [(m.arrived_ms, orjson.loads(m.value)) for m in messages]


def test_a_simulated_recording_reads_back_as_it_was_written(tmp_path):
    before = storm()
    write_recording(before, tmp_path / "deep" / "er")
    after = read_recording(tmp_path / "deep" / "er")
    for name in ("environment", "start_ms", "end_ms", "resolution_seconds", "truth", "graph"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.provenance == orjson.loads(orjson.dumps(before.provenance))
    for name in ("alerts", "changes", "diagnostics"):
        assert values(getattr(after, name)) == values(getattr(before, name))
    assert before.spans is not None
    assert after.spans is not None
    np.testing.assert_array_equal(after.spans.end_ns, before.spans.end_ns)
    assert after.spans.attribute_sets == before.spans.attribute_sets
    assert before.metrics is not None
    assert after.metrics is not None
    np.testing.assert_array_equal(after.metrics.value, before.metrics.value)
    assert after.metrics.table == before.metrics.table


@pytest.mark.parametrize(
    "value",
    [
        b"not json",
        b"",
        b"\x00\xff\n{",
        b'{"a":\r\n [1,\r 2]}',
        b'{"a":\n 1.5}',
        b"[" * 600 + b"]" * 600,
        b"{",
        b'"\xc3\xa9"',
    ],
    ids=["text", "empty", "bytes", "carriage returns", "line ends", "deep", "cut", "accent"],
)
def test_any_message_value_survives(tmp_path, value):
    message = Message(arrived_ms=7, value=value)
    write_recording(small(alerts=(message, alert_message())), tmp_path)
    first, second = read_recording(tmp_path).alerts
    assert second.value == alert_message().value
    try:
        orjson.dumps(orjson.loads(value))
    except (ValueError, TypeError):
        assert first == message
    else:
        assert orjson.loads(first.value) == orjson.loads(value)
        assert first.arrived_ms == 7


def test_what_is_empty_is_left_out_and_reads_back_as_empty(tmp_path):
    write_recording(small(), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["recording.json"]
    assert read_recording(tmp_path) == small()


def test_nothing_wrong_and_nobody_knows_are_kept_apart(tmp_path):
    write_recording(small(truth=()), tmp_path)
    assert read_recording(tmp_path).truth == ()


def test_writing_over_a_recording_leaves_nothing_of_it(tmp_path):
    fault = Fault(component="db", pattern="p", start_ms=1, end_ms=2)
    write_recording(
        small(alerts=(alert_message(),), truth=(fault,), graph={"edges": []}), tmp_path
    )
    (tmp_path / "notes.txt").write_text("mine")
    write_recording(small(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "recording.json"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("recording.json", b"{", "is no JSON"),
        ("recording.json", b"[]", "holds list, expected an object"),
        ("recording.json", b"{}", "has format None, expected 1"),
        ("recording.json", b'{"format": 1}', "damaged (no 'environment')"),
        ("recording.json", b'{"format":1,"environment":"x","start_ms":1e999}', "damaged"),
        ("alerts.jsonl", b'{"arrived_ms": 1}\n', "alerts.jsonl:1 is no message line"),
        ("alerts.jsonl", b'\n{"arrived_ms":1,"value":{}}\n{"arr', "alerts.jsonl:3 is no"),
        ("changes.jsonl", b"[1]\n", "changes.jsonl:1 is no message line"),
        ("changes.jsonl", b'{"arrived_ms": "noon", "value": 1}\n', "changes.jsonl:1 is no"),
        ("diagnostics.jsonl", b'{"arrived_ms": 1, "base64": "?"}', "diagnostics.jsonl:1 is no"),
        ("metrics.npz", b"PK not really", "metrics.npz is damaged"),
        ("spans.npz", b"", "spans.npz is damaged"),
        ("graph.json", b'"x"', "graph.json holds str, expected an object"),
        ("truth.json", b'{"faults": [{"component": "db"}]}', "truth.json holds no faults"),
        ("truth.json", b'{"wrong": []}', "truth.json holds no faults (no 'faults')"),
    ],
)
def test_a_damaged_file_is_named_in_one_sentence(tmp_path, name, content, says):
    write_recording(small(), tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SchemaError) as raised:
        read_recording(tmp_path)
    sentence = str(raised.value)
    assert says in sentence
    assert str(tmp_path / name) in sentence
    assert "\n" not in sentence


def test_a_cut_columns_file_is_named(tmp_path):
    write_recording(storm(), tmp_path)
    whole = (tmp_path / "metrics.npz").read_bytes()
    for share in (0.1, 0.5, 0.99):
        (tmp_path / "metrics.npz").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(SchemaError, match=r"metrics\.npz is damaged"):
            read_recording(tmp_path)


def test_a_folder_without_a_recording_says_how_to_make_one(tmp_path):
    with pytest.raises(SchemaError, match="rootline simulate FAULT --out DIR"):
        read_recording(tmp_path / "nowhere")

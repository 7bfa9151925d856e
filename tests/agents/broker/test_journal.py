from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.broker import journal as journal_module
from agents.broker.journal import Journal, Row


def reopen(path: Path) -> tuple[Journal, list[Row]]:
    rows: list[Row] = []
    journal = Journal(path, fsync=False)
    journal.replay(rows.append)
    return journal, rows


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    journal, rows = reopen(tmp_path / "j")
    assert rows == []
    journal.append([["a", 1], ["b", {"k": "ü"}]])
    journal.append([["c"]])
    journal.close()
    journal, rows = reopen(tmp_path / "j")
    assert rows == [["a", 1], ["b", {"k": "ü"}], ["c"]]
    journal.close()


@given(cut=st.integers(1, 60), garbage=st.binary(max_size=30))
def test_a_torn_end_loses_only_the_rows_it_tears(
    tmp_path_factory: pytest.TempPathFactory, cut: int, garbage: bytes
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal, _ = reopen(path)
    journal.append([["row", number] for number in range(10)])
    journal.close()
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[: size - cut] + b"\xff" + garbage)
    journal, rows = reopen(path)
    assert rows == [["row", number] for number in range((size - cut) // (size // 10))]
    journal.append([["after"]])
    journal.close()
    journal, again = reopen(path)
    assert again == [*rows, ["after"]]
    journal.close()


def test_damage_in_the_middle_is_not_taken_for_a_torn_end(tmp_path: Path) -> None:
    journal, _ = reopen(tmp_path / "j")
    journal.append([["row", number] for number in range(10)])
    journal.close()
    data = bytearray((tmp_path / "j").read_bytes())
    data[60] ^= 1
    (tmp_path / "j").write_bytes(data)
    damaged = Journal(tmp_path / "j", fsync=False)
    with pytest.raises(RuntimeError, match="damaged at byte"):
        damaged.replay(lambda _row: None)
    damaged.close()
    assert (tmp_path / "j").read_bytes() == data


def test_a_journal_that_is_mostly_history_is_rewritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "REWRITE_FROM_BYTES", 1_000)
    journal, _ = reopen(tmp_path / "j")
    journal.append([["x", number] for number in range(200)])
    journal.rewrite_if_large(lambda: iter([["x", 199]]))
    assert (tmp_path / "j").stat().st_size < 100
    journal.append([["y"]])
    journal.rewrite_if_large(lambda: iter([]))
    journal.close()
    journal, rows = reopen(tmp_path / "j")
    assert rows == [["x", 199], ["y"]]
    journal.close()

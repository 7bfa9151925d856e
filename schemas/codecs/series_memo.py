"""One `Series` object per distinct series, remembered from message to message.

A series comes back in every scrape; its raw bytes lead to the object without decoding. Bounded;
emptied only between messages, so that within one an equal series is the same object.
"""

from collections.abc import Hashable

from schemas.codecs.limits import CodecLimits, check_count
from schemas.telemetry import Series

MEMO_ENTRIES = 50_000
MEMO_KEY_BYTES = 2048
MEMO_BYTES = 64 * 1024 * 1024
"""Series of long labels are few: what is remembered together is no more than this."""


class SeriesMemo:
    """Two look-ups: by whatever raw key the codec has, and by value."""

    def __init__(self) -> None:
        self._limits: CodecLimits | None = None
        self._by_raw: dict[Hashable, Series] = {}
        self._by_value: dict[Series, Series] = {}
        self._bytes = 0

    def begin_message(self, limits: CodecLimits) -> None:
        """Make room if the last message left it full; forget what other limits let through."""
        full = max(len(self._by_raw), len(self._by_value)) > MEMO_ENTRIES
        if full or self._bytes > MEMO_BYTES or limits != self._limits:
            self._limits = limits
            self._bytes = 0
            self._by_raw.clear()
            self._by_value.clear()

    def get(self, raw: Hashable) -> Series | None:
        """Return what `add` was told for this raw key."""
        return self._by_raw.get(raw)

    def add(self, raw: Hashable, series: Series, *, raw_bytes: int) -> Series:
        """Return the one object equal to `series`; remember it for `raw` unless that is long."""
        one = self._by_value.setdefault(series, series)
        self._bytes += raw_bytes
        if raw_bytes <= MEMO_KEY_BYTES:
            self._by_raw[raw] = one
        return one


class SeriesTable:
    """The table of one batch: series to row, by identity, which is cheap and exact here."""

    def __init__(self, limits: CodecLimits) -> None:
        self._limits = limits
        self._rows: dict[int, int] = {}
        self.series: list[Series] = []

    def row(self, series: Series) -> int:
        """Return the row of a series that came out of a `SeriesMemo`."""
        row = self._rows.get(id(series))
        if row is None:
            row = self._rows[id(series)] = len(self.series)
            self.series.append(series)
            limit = self._limits.attribute_sets_per_message
            check_count(len(self.series), limit, "series", "attribute_sets_per_message")
        return row

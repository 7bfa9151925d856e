"""Which dead letters are asked for: the filters of the command line, all of which must fit."""

from dataclasses import dataclass

from agents.redrive.letter import Letter


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Filters; an empty one lets everything pass. Times are those of the letters."""

    topics: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since_ms: int | None = None
    until_ms: int | None = None
    text: str = ""
    places: tuple[tuple[int, int], ...] = ()

    def fits(self, letter: Letter) -> bool:
        """Whether a letter is asked for."""
        origin = letter.origin.topic if letter.origin is not None else ""
        return (
            (not self.topics or origin in self.topics)
            and (not self.stages or letter.stage in self.stages)
            and (not self.kinds or letter.kind in self.kinds)
            and (self.since_ms is None or letter.timestamp_ms >= self.since_ms)
            and (self.until_ms is None or letter.timestamp_ms < self.until_ms)
            and (not self.places or (letter.place.partition, letter.place.offset) in self.places)
            and (not self.text or _holds(letter, self.text))
        )


def _holds(letter: Letter, text: str) -> bool:
    """Whether the reason, the key or the message contains a text, in either case of letters."""
    wanted = text.lower()
    inside = (letter.value or b"", letter.key or b"")
    return wanted in letter.reason.lower() or any(wanted.encode() in b.lower() for b in inside)

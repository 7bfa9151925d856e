"""One recording of an overlay: how far it is shifted, and where its fault then lies."""

from dataclasses import dataclass, replace

from schemas.recording import Fault, Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A recording and its shift; `fault` is its only fault, shifted."""

    recording: Recording
    shift_ms: int
    fault: Fault

    @classmethod
    def of(cls, recording: Recording, fault: Fault, shift_ms: int) -> "Layer":
        """Shift a recording and its fault."""
        moved = replace(fault, start_ms=fault.start_ms + shift_ms, end_ms=fault.end_ms + shift_ms)
        return cls(recording=recording, shift_ms=shift_ms, fault=moved)

    @property
    def start_ms(self) -> int:
        """Where it begins after the shift."""
        return self.recording.start_ms + self.shift_ms

    @property
    def end_ms(self) -> int:
        """Where it ends after the shift."""
        return self.recording.end_ms + self.shift_ms

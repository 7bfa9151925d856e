"""The player: a process that simulates the storm, then sends it as its producers would.

`python -m agents.demo.player FAULT SEED FOLDER` writes the recording to FOLDER. It takes one
JSON object a line on stdin (`play`, then `reached`), gives one a line on stdout, and ends when
stdin ends, so that it never outlives the demo.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson

from agents.demo.pacing import Pace
from agents.demo.senders import Senders
from agents.demo.storm import Slice, Tally, simulate_storm, slices, storm_start_ms
from agents.errors import RootlineError
from agents.recordings import write_recording
from schemas.recording import Recording


def main() -> None:
    """Run the player on the process' own streams."""
    fault, seed, folder = sys.argv[1:]
    now_ms = time.time_ns() // 1_000_000
    recording = simulate_storm(
        fault, int(seed), now_ms, lambda share: say(event="simulated", share=share)
    )
    write_recording(recording, Path(folder))
    say(
        event="ready",
        start_ms=recording.start_ms,
        storm_ms=storm_start_ms(recording),
        end_ms=recording.end_ms,
    )
    try:
        asyncio.run(_play(recording))
    except* RootlineError as errors:
        for error in errors.exceptions:
            sys.stderr.write(f"{error}\n")
        sys.exit(1)


def say(**fields: Any) -> None:
    """Write one line to the demo."""
    sys.stdout.buffer.write(orjson.dumps(fields) + b"\n")
    sys.stdout.buffer.flush()


async def _play(recording: Recording) -> None:
    orders = _orders()
    async for order in orders:
        if order["order"] == "play":
            break
    else:
        return
    pace = Pace(storm_start_ms(recording), float(order["speed"]), time.monotonic)
    listening = asyncio.create_task(_listen(orders, pace))
    async with Senders(order["gateway"], order["bootstrap"]) as senders:
        playing = asyncio.create_task(_send(recording, pace, senders))
        await asyncio.wait((playing, listening), return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            listening.cancel()
            playing.result()
            say(event="done", event_ms=recording.end_ms)
        else:
            playing.cancel()
    await asyncio.gather(playing, listening, return_exceptions=True)


async def _send(recording: Recording, pace: Pace, senders: Senders) -> None:
    tally = Tally(recording)
    for piece in slices(recording):
        await pace.wait(piece.until_ms, recording.start_ms)
        await senders.send(piece)
        say(event="sent", event_ms=piece.until_ms, **_counts(piece), **tally.until(piece.until_ms))


def _counts(piece: Slice) -> dict[str, int]:
    return {"alert_messages": len(piece.alerts), "changes": len(piece.changes)}


async def _listen(orders: AsyncIterator[dict[str, Any]], pace: Pace) -> None:
    async for order in orders:
        pace.reached(int(order["event_ms"]))


async def _orders() -> AsyncIterator[dict[str, Any]]:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield orjson.loads(line)


if __name__ == "__main__":
    main()

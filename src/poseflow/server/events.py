"""What tabs are told of while they are open: a stream of server-sent events each, and who is there."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from pydantic import BaseModel

from poseflow.server.messages.claims import HelloEvent, Presence, PresenceEvent

QUIET_S = 15.0
"""So often a silent stream says that it is alive: tunnels close what is silent for long."""
MOST_WAITING = 200
"""Events that a tab may be behind; one that is further behind is cut off, connects again, and asks for all."""
FORGET_S = 90.0


class Hub:
    """Gives events to all streams; `publish` may be called by any thread."""

    def __init__(self, version: str, started: str) -> None:
        self._version, self._started = version, started
        self._loop: asyncio.AbstractEventLoop | None = None
        self._streams: dict[str, asyncio.Queue[BaseModel | None]] = {}
        self._people: dict[str, tuple[float, Presence]] = {}

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def publish(self, event: BaseModel) -> None:
        """Tell all tabs."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._spread, event)

    def watched(self) -> list[str]:
        """Recordings that somebody looks at."""
        return sorted({person.recording for _, person in list(self._people.values()) if person.recording})

    def note(self, person: Presence) -> None:
        """Note where a person is, and tell the others."""
        self._people[person.client] = time.monotonic(), person
        self.publish(self._presence())

    def _presence(self) -> PresenceEvent:
        now = time.monotonic()
        there = {client: one for client, one in self._people.items() if now - one[0] < FORGET_S}
        self._people = there
        return PresenceEvent(people=[person for _, person in there.values()])

    def _spread(self, event: BaseModel) -> None:
        for client, queue in list(self._streams.items()):
            if queue.qsize() >= MOST_WAITING:
                self._streams.pop(client)
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    def close(self) -> None:
        """End all streams."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        for queue in self._streams.values():
            queue.put_nowait(None)
        self._streams.clear()

    async def stream(self) -> AsyncIterator[bytes]:
        """Events for one tab, as they are sent."""
        self._loop = asyncio.get_running_loop()
        client, queue = secrets.token_hex(8), asyncio.Queue[Any]()
        self._streams[client] = queue
        try:
            yield _write(HelloEvent(client=client, version=self._version, started=self._started))
            yield _write(self._presence())
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), QUIET_S)
                except TimeoutError:
                    yield b": alive\n\n"
                    continue
                if event is None:
                    return
                yield _write(event)
        finally:
            self._streams.pop(client, None)
            if self._people.pop(client, None) is not None:
                self._spread(self._presence())


def _write(event: BaseModel) -> bytes:
    return b"data: " + event.model_dump_json().encode() + b"\n\n"

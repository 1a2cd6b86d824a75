"""An output in a thread of its own: whoever sends never waits for it."""

import logging
from collections import deque
from threading import Condition, Thread

from poseflow.live.outputs.output import Output
from poseflow.live.poses import LivePoses, TriggerEvent

logger = logging.getLogger("poseflow")
PATIENCE_S = 2.0


class Delivery:
    """Hands an output what is to be sent. Where it is slow, the oldest is dropped; where it fails, it is left alone.

    Args:
        name: as errors call it.
    """

    def __init__(self, name: str, output: Output) -> None:
        self.name = name
        self.sent = 0
        self.dropped = 0
        self.error: Exception | None = None
        self._output = output
        self._waiting: deque[LivePoses | TriggerEvent] = deque()
        self._changed = Condition()
        self._is_closed = False
        self._thread = Thread(target=self._work, name=f"live-output {name}", daemon=True)

    def __enter__(self) -> "Delivery":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Send what waits, for a moment, and end."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive():
            logger.warning("output %s does not take what it is sent: it is left alone", self.name)

    def offer(self, item: LivePoses | TriggerEvent) -> None:
        """Queue something; never waits."""
        with self._changed:
            if self.error is not None:
                self.dropped += 1
                return
            self._waiting.append(item)
            while len(self._waiting) > self._output.queue_length:
                self._waiting.popleft()
                self.dropped += 1
            self._changed.notify()

    def _work(self) -> None:
        try:
            while (item := self._next()) is not None:
                if isinstance(item, LivePoses):
                    self._output.send_poses(item)
                else:
                    self._output.send_trigger(item)
                self.sent += 1
        except Exception as error:  # noqa: BLE001 - whatever a device or a plug-in raises: the recording goes on
            with self._changed:
                self.error = error
                self.dropped += 1 + len(self._waiting)
                self._waiting.clear()
            logger.error("output %s failed and gets nothing more: %s", self.name, error)
        finally:
            self._output.close()

    def _next(self) -> LivePoses | TriggerEvent | None:
        with self._changed:
            while not self._waiting and not self._is_closed:
                self._changed.wait()
            return self._waiting.popleft() if self._waiting else None

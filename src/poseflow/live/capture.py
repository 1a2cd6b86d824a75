"""The thread that takes frames from a source, whoever asks for them and when."""

from threading import Event, Thread
from typing import Self

from poseflow.live.frames import Mailbox
from poseflow.live.sources import Source

PATIENCE_S = 2.0


class Capture:
    """Takes each frame of a source as it comes, once it is started, and keeps the newest.

    Example:
        with Capture(source, channels=1) as capture:
            capture.start()
            frame = capture.mailbox.take(timeout_s=1)
    """

    def __init__(self, source: Source, channels: int) -> None:
        self.mailbox = Mailbox()
        self.error: BaseException | None = None
        """What ended the source, once the mailbox is done; None where it came to its end."""
        self._source, self._channels = source, channels
        self._stopped = Event()
        self._thread = Thread(target=self._work, name="live-capture", daemon=True)

    def start(self) -> None:
        """Begin to take frames."""
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End, and close the source. A driver that never comes back is left to the process's end."""
        self._stopped.set()
        if self._thread.ident is not None:
            self._thread.join(PATIENCE_S)
        if not self._thread.is_alive():
            self._source.close()

    def _work(self) -> None:
        try:
            for frame in self._source.frames(self._channels):
                self.mailbox.put(frame)
                if self._stopped.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 - handed to the loop, which raises it
            self.error = error
        finally:
            self.mailbox.close()

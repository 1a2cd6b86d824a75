"""Follow the logs of trainings, wherever these run, as `tail -f` would."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TextIO

from poseflow.runs.places import Places

EVERY_S = 1.0
FIRST_LINES = 10
_PATIENCE_S = 5.0
_EPOCH = re.compile(r"epoch \d+( of \d+)?, .*")


def find_logs(places: Places) -> dict[str, Path]:
    """Logs of the trainings that are not at their end, by the model's name."""
    return {
        model: places.log("train", model, version)
        for model, version in places.find_trainings()
        if not (places.model(model, version) / "training.json").exists()
    }


@contextmanager
def show_epochs(log: Path, name: str, terminal: TextIO, every_s: float = EVERY_S) -> Iterator[None]:
    """Repeat on the terminal what a training says of each epoch in its log, as long as the block lasts."""
    ended, is_last = Event(), False
    begin = log.stat().st_size if log.exists() else 0

    def find() -> dict[str, Path]:
        """The log, and once more after the end."""
        nonlocal is_last
        if is_last:
            return {}
        is_last = ended.is_set()
        return {name: log}

    def repeat() -> None:
        for _, line in follow_logs(find, every_s, {log: begin}):
            if (found := _EPOCH.search(line)) is not None:
                print(f"{name}: {found[0]}", file=terminal, flush=True)

    thread = Thread(target=repeat, name="show-epochs", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=_PATIENCE_S)


def follow_logs(
    find: Callable[[], Mapping[str, Path]], every_s: float = EVERY_S, begin: Mapping[Path, int] | None = None
) -> Iterator[tuple[str, str]]:
    """Yield name and line of each line that the logs get, until `find` gives no log any more.

    Args:
        begin: byte of each log to begin at; else, at its last few lines.
    """
    positions: dict[Path, int] = dict(begin or {})
    while logs := find():
        for name, path in logs.items():
            text = path.read_bytes() if path.exists() else b""
            start = positions.get(path, _tail(text))
            end = text.rfind(b"\n") + 1
            positions[path] = max(start, end)
            for line in text[start:end].decode("utf-8", "replace").splitlines():
                yield name, line
        time.sleep(every_s)


def _tail(text: bytes) -> int:
    """Where the last few lines begin."""
    return len(text) - len(b"".join(text.splitlines(keepends=True)[-FIRST_LINES:]))

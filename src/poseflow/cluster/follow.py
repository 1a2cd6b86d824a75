"""Follow the logs of trainings, wherever these run, as `tail -f` would."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from poseflow.runs.places import Places

EVERY_S = 1.0
FIRST_LINES = 10


def find_logs(places: Places) -> dict[str, Path]:
    """Logs of the trainings that are not at their end, by the model's name."""
    return {
        model: places.log("train", model, version)
        for model, version in places.find_trainings()
        if not (places.model(model, version) / "training.json").exists()
    }


def follow_logs(find: Callable[[], Mapping[str, Path]], every_s: float = EVERY_S) -> Iterator[tuple[str, str]]:
    """Yield name and line of each line that the logs get, from the last few on, until `find` gives no log any more."""
    positions: dict[Path, int] = {}
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

"""Trainings that are at work, and how a person ends one: by a file in its folder, which it looks for as it trains."""

import getpass
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from poseflow.core.errors import ModelError
from poseflow.core.files import read_json, write_json
from poseflow.runs.places import ANY, Places, training_folder

_REQUEST = "stop.json"


@dataclass(frozen=True)
class StopRequest:
    """A person's wish that a training ends.

    `keep`: with the weights of its best epoch as its result (stop early); else with none (cancel), and what it has
    learned is dropped. `by`: who; `at`: when, UTC, ISO 8601.
    """

    keep: bool
    by: str
    at: str


OKS_NOISE = 0.01
"""About the standard error of the mean OKS of a hundred validation samples."""


def judge_epoch(loss: float, oks: float, best_loss: float, best_oks: float, schedule: str) -> tuple[bool, bool]:
    """Whether an epoch is better than the best so far, and whether its weights are kept.

    By the OKS of validation's points; by loss where that is equal, or unknown (0). Where the rate falls over the whole
    training (`schedule` cosine), a later epoch is kept that is as good but for noise: the best of many early ones is so
    by chance, and does worse elsewhere.
    """
    is_better = (oks, -loss) > (best_oks, -best_loss)
    return is_better, is_better or (schedule == "cosine" and 0 < best_oks - OKS_NOISE <= oks)


def seconds_left(seconds: float, epochs: int, max_epochs: int, minutes: float | None) -> float:
    """How much longer a training takes at most that took so long for so many epochs.

    Args:
        epochs: at least one.
        minutes: it may take in all; None: as long as it takes.
    """
    by_epochs = seconds / epochs * (max_epochs - epochs)
    return max(by_epochs if minutes is None else min(by_epochs, 60 * minutes - seconds), 0.0)


def work_folder(model: Path) -> Path:
    """Where the training that makes `model` itself keeps everything until that is whole."""
    return model.with_name(f".{model.name}.work")


def request_stop(work: Path, keep: bool = True, by: str | None = None) -> StopRequest:
    """Ask the training that works in `work` to end after its next batch; of two wishes the later counts.

    Raises ModelError where no training is under way there.
    """
    if not work.is_dir():
        raise ModelError(f"{work} must be the folder of a training that is under way, got no folder")
    request = StopRequest(keep, by or getpass.getuser(), datetime.now(UTC).isoformat(timespec="seconds"))
    write_json(asdict(request), work / _REQUEST)
    return request


def read_stop_request(work: Path) -> StopRequest | None:
    """The wish, None where there is none, or where it can't be read (any more)."""
    try:
        return StopRequest(**read_json(work / _REQUEST))
    except (OSError, ValueError, TypeError):
        return None


def is_stop_requested(work: Path) -> bool:
    """Whether there is a wish: one look at the file system."""
    return (work / _REQUEST).exists()


def forget_stop_request(work: Path) -> None:
    """Take the wish back, if there is one: who starts a training again wants it."""
    (work / _REQUEST).unlink(missing_ok=True)


def forget_cancellations(places: Places) -> None:
    """Take back all wishes that trainings of the workflow be cancelled: within the run they hold for each try."""
    for work in _work_folders(places):
        request = read_stop_request(work)
        if request is not None and not request.keep:
            forget_stop_request(work)


def find_work_folders(model: str, places: Places) -> list[Path]:
    """Folders of the trainings under way that are meant by `model`.

    Args:
        model: name of a model of the workflow (all of its versions that train), its folder, as
            `results/models/centroid/1a2b3c`, or the folder that `poseflow train --out` was given.

    Raises ModelError with the trainings that there are, where it is none.
    """
    folder = Path(model)
    direct = [work_folder(folder), work_folder(training_folder(folder) / "model")]
    found = [work for work in direct if work.is_dir()] or list(_work_folders(places, model))
    if not found:
        known = sorted({name for name, _ in places.find_trainings()})
        raise ModelError(
            f"{model} must be a model whose training is under way, of the workflow in this folder or a folder; "
            f"got {'none that trains' if folder.exists() else 'an unknown one'}; "
            f"in training here: {', '.join(known) or 'none'}"
        )
    return found


def _work_folders(places: Places, model: str = ANY) -> Iterator[Path]:
    for name, version in places.find_trainings():
        work = work_folder(places.training(name, version) / "model")
        if model in (ANY, name) and work.is_dir():
            yield work


def remove_learned(work: Path) -> None:
    """Remove what a training that was cancelled has kept, but not the wish, which each further try finds."""
    for path in work.iterdir():
        if path.name != _REQUEST:
            with suppress(FileNotFoundError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

"""All that training needs to go on where it stopped, in files that are whole or absent, and checked when read.

`checkpoint.npz` is of the last epoch, `previous.npz` of the one before, and `best_{epoch}.npz` holds the weights of the
best epoch of either; a resumed training that meets a damaged file goes back to the checkpoint before.
"""

import json
import logging
import os
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import ModelError
from poseflow.core.files import replacing

logger = logging.getLogger("poseflow")
LAST, PREVIOUS = "checkpoint.npz", "previous.npz"


@dataclass
class Progress:
    """How far training has come; kept in the checkpoint."""

    epoch: int = 0
    best_epoch: int = -1
    best_oks: float = 0.0
    best_loss: float = inf
    stalled_epochs: int = 0
    rate_factor: float = 1.0
    seconds: float = 0.0
    stopped: bool = False
    devices: int = 1
    """That trained the last epoch."""


def write_checkpoint(model: keras.Model, progress: Progress, folder: Path) -> None:
    """Write weights, optimizer state and progress; after the best epoch, its weights under their own name too."""
    if progress.best_epoch == progress.epoch:
        _write(model.network.variables, {}, best_weights(folder, progress.epoch))
    if (folder / LAST).exists():
        os.replace(folder / LAST, folder / PREVIOUS)
    _write(_variables(model), asdict(progress), folder / LAST)
    known = [progress.best_epoch]
    if (folder / PREVIOUS).exists():
        known += [best_epoch for best_epoch in [_best_epoch(folder / PREVIOUS)] if best_epoch is not None]
    for path in folder.glob("best_*.npz"):
        if path not in [best_weights(folder, epoch) for epoch in known]:
            path.unlink()


def resume(model: keras.Model, folder: Path) -> Progress:
    """Load the last checkpoint that is whole into `model`; gives how far it had come, 0 epochs where there is none."""
    found = [folder / name for name in (LAST, PREVIOUS) if (folder / name).exists()]
    for path in found:
        try:
            arrays, note = _read(path, _variables(model))
            progress = Progress(**note)
            _read(best_weights(folder, progress.best_epoch), model.network.variables)
        except (ModelError, FileNotFoundError) as error:
            logger.warning("%s; it is left out", error)
            continue
        _assign(_variables(model), arrays)
        logger.info("resuming after epoch %d", progress.epoch)
        return progress
    if found:
        logger.warning("%s: no checkpoint is whole: training begins anew", folder)
    return Progress()


def load_best(model: keras.Model, progress: Progress, folder: Path) -> None:
    """Give the network the weights of its best epoch."""
    variables = model.network.variables
    _assign(variables, _read(best_weights(folder, progress.best_epoch), variables)[0])


def clear_checkpoints(folder: Path) -> None:
    """Remove what a training that is at its end needs no more."""
    for path in (folder / LAST, folder / PREVIOUS, *folder.glob("best_*.npz")):
        path.unlink(missing_ok=True)


def best_weights(folder: Path, epoch: int) -> Path:
    """File of the weights of an epoch that was the best so far."""
    return folder / f"best_{epoch:04d}.npz"


def _write(variables: Sequence[keras.Variable], note: dict[str, Any], path: Path) -> None:
    arrays = {f"variable{i}": np.asarray(variable) for i, variable in enumerate(variables)}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, progress=np.array(json.dumps(note)), **arrays)  # type: ignore[arg-type]


def _read(path: Path, variables: Sequence[keras.Variable]) -> tuple[list[NDArray[Any]], dict[str, Any]]:
    """Arrays for `variables` and the note; raises ModelError for a file that is damaged or does not fit."""
    try:
        with np.load(path) as stored:
            arrays = [stored[f"variable{i}"] for i in range(len(stored.files) - 1)]
            note = json.loads(str(stored["progress"]))
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError) as error:
        raise ModelError(f"{path} must be a whole checkpoint, got a damaged one: {error}") from error
    shapes = [tuple(variable.shape) for variable in variables]
    if [array.shape for array in arrays] != shapes:
        raise ModelError(f"{path} must hold the {len(shapes)} variables of this network, got others")
    return arrays, note


def _best_epoch(path: Path) -> int | None:
    """Best epoch as of a checkpoint; None where that is damaged."""
    try:
        with np.load(path) as stored:
            return int(json.loads(str(stored["progress"]))["best_epoch"])
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError):
        return None


def _assign(variables: Sequence[keras.Variable], arrays: Sequence[NDArray[Any]]) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.network.variables, *model.optimizer.variables]

"""All that training needs to go on where it stopped, in one file that is whole or absent."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from poseflow.errors import ModelError
from poseflow.files import replacing


def write_checkpoint(model: keras.Model, progress: dict[str, Any], path: Path) -> None:
    """Write weights, optimizer state and `progress` (JSON-able) atomically."""
    arrays = {f"variable{i}": np.asarray(v) for i, v in enumerate(_variables(model))}
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez(file, progress=np.array(json.dumps(progress)), **arrays)  # type: ignore[arg-type]


def read_checkpoint(model: keras.Model, path: Path) -> dict[str, Any]:
    """Load what `write_checkpoint` wrote into `model`; returns `progress`. Raises ModelError if it does not fit."""
    variables = _variables(model)
    with np.load(path) as stored:
        if len(stored.files) != len(variables) + 1:
            raise ModelError(f"{path}: must hold {len(variables)} variables, got {len(stored.files) - 1}")
        for i, variable in enumerate(variables):
            variable.assign(stored[f"variable{i}"])
        return json.loads(str(stored["progress"]))


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.network.variables, *model.optimizer.variables]

"""What a table says of how it was made; nothing of when and where, so that equal inputs give equal bytes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from poseflow.config import PredictConfig, ReviewConfig, Section, TrackingConfig
from poseflow.core.contents import fingerprint_recording
from poseflow.models import needed_files
from poseflow.runs.fingerprints import NOT_IN_RESULTS, STEP_VERSIONS, hash_file
from poseflow.tables import describe_predictions

if TYPE_CHECKING:  # its readers' libraries take a second to import
    from poseflow.exchange.predictions import PredictionsFile

Note = dict[str, Any]


class RecordingFacts(Protocol):
    """What is told of a recording (`poseflow.media.VideoIndex`)."""

    @property
    def path(self) -> str:
        """Of its file or folder."""

    @property
    def is_ok(self) -> bool:
        """Whether frames can be read."""


def describe_prediction(
    index: RecordingFacts, models: Mapping[str, str | Path], labels: str | None, settings: PredictConfig
) -> Note:
    """Metadata of a predictions table.

    Args:
        index: of the recording. models: folder of each model, by name.
        labels: fingerprint of the labels that these were trained on, where it is known.
    """
    found = fingerprint_recording(Path(index.path)) if index.is_ok else None
    inputs = {
        "recording": {"file": index.path, "fingerprint": found},
        "models": _describe_models(models),
        "labels": labels,
    }
    return _describe("predict", {"predict": settings}, inputs)


def describe_live(source: str, models: Mapping[str, str | Path], sections: Mapping[str, Section]) -> Note:
    """Metadata of a pose table of what a source showed, which no step can make again.

    Args:
        models: folder of each model, by name. sections: of settings, by name.
    """
    made = {
        "package_version": version("poseflow"),
        "commit": find_commit(),
        "inputs": {"source": source, "models": _describe_models(models)},
    }
    settings = {name: section.model_dump(mode="json") for name, section in sections.items()}
    return {"config": settings, "made_by": {"live": made}}


def describe_import(
    file: Path, digest: str, described: PredictionsFile, settings: PredictConfig, left_out: Sequence[str]
) -> Note:
    """Metadata of a predictions table of another program's predictions.

    Args:
        digest: of the file (`hash_file`).
        left_out: what the file holds and the table does not, or what our own predictions have beside.
    """
    inputs = {
        "tool": described.tool,
        "tool_version": described.tool_version,
        "file": str(file),
        "hash": digest,
        "left_out": list(left_out),
    }
    return _describe("import_predictions", {"predict": settings}, inputs)


def describe_tracking(
    predictions: Mapping[str, Sequence[Path]],
    corrections: Sequence[str | Path],
    tracking: TrackingConfig,
    review: ReviewConfig,
) -> Note:
    """Metadata of a tracks table.

    Args:
        predictions: shards of each video. corrections: logs of claims and label files.
    """
    notes = {video: describe_predictions(list(shards)).metadata for video, shards in predictions.items()}
    inputs = {
        "predictions": {video: note.get("made_from") for video, note in notes.items()},
        "corrections": _hash_all(corrections),
    }
    return _describe("track", {"tracking": tracking, "review": review}, inputs)


def describe_assembly(corrections: Sequence[str | Path] = ()) -> Note:
    """Metadata of a pose table, beside that of its predictions and tracks.

    Args:
        corrections: logs of claims and label files.
    """
    return _describe("assemble", {}, {"corrections": _hash_all(corrections)} if corrections else {})


def hash_weights(folder: str | Path) -> str | None:
    """SHA-256 of a model's weights; None where there is no such file."""
    weights = needed_files(folder)[-1]
    return hash_file(weights) if weights.is_file() else None


@cache
def find_commit() -> str | None:
    """Commit of the checkout that poseflow runs from, with `+changes` where its code has some; None without one."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "src", "workflow"], capture_output=True)
    except (OSError, subprocess.CalledProcessError):  # no git here, or a checkout that it refuses
        return None
    return f"{commit}+changes" if changed.returncode else commit


def _describe_models(models: Mapping[str, str | Path]) -> Note:
    return {name: {"folder": str(folder), "weights": hash_weights(folder)} for name, folder in sorted(models.items())}


def _hash_all(paths: Sequence[str | Path]) -> dict[str, str]:
    return {Path(path).name: hash_file(Path(path)) for path in paths}


def _describe(step: str, sections: Mapping[str, Section], inputs: Note) -> Note:
    """A step's whole settings, defaults included, and what made the table from what."""
    settings = {
        name: section.model_dump(mode="json", exclude=NOT_IN_RESULTS.get(name)) for name, section in sections.items()
    }
    made_by = {
        "step_version": STEP_VERSIONS[step],
        "package_version": version("poseflow"),
        "commit": find_commit(),
        "inputs": inputs,
    }
    return {"config": settings, "made_by": {step: made_by}}

"""The step `evaluate_tracking`: a labeled recording's tracks against its labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from poseflow.config import EvaluationConfig
from poseflow.core.files import write_json
from poseflow.evaluation import evaluate_recording
from poseflow.steps.label_files import LabelFiles
from poseflow.tables import read_predictions, read_tracks


def evaluate_tracks_of(
    labels: LabelFiles,
    recording: tuple[str, Path],
    predictions: Sequence[Path],
    tracks: Path,
    out: Path,
    settings: EvaluationConfig,
) -> dict[str, Any]:
    """Measure how well the animals of a labeled video were kept apart.

    Args:
        labels: files whose tracks name the animals.
        recording: name and path of the video.
        predictions: its tables. tracks: of its recording.

    Returns: what is written, see `evaluation.evaluate_recording`.
    Raises: LabelsError, also for labels that were saved since the run was planned; SkeletonError.
    """
    video, path = recording
    found = read_predictions(list(predictions), with_shifted=False)
    metrics = evaluate_recording((labels.paths, labels.config), path, found, read_tracks(tracks, video), settings)
    labels.check()
    write_json(metrics, out)
    return metrics

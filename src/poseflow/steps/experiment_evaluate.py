"""The step `experiment_evaluate`: how good the models of an experiment's run are. What fails is noted."""

import logging
from pathlib import Path

from poseflow.config import EvaluationConfig, PredictConfig, TrackingConfig
from poseflow.core.files import read_json, write_json
from poseflow.core.wording import say_failure
from poseflow.steps.evaluate import PixelsPerMm, evaluate_release, new_folder

logger = logging.getLogger("poseflow")


def evaluate_run(
    trained: Path,
    package: Path,
    out: Path,
    predict: PredictConfig,
    evaluation: EvaluationConfig,
    tracking: TrackingConfig,
    pixels_per_mm: PixelsPerMm = None,
    example_frames: int = 3,
) -> None:
    """Measure the models of a run on a set, as `steps.evaluate` does; `out/metrics.json` has `error` where it fails.

    Args:
        trained: of `experiment_train.train_run`.
    """
    facts = read_json(trained)
    error = facts["error"]
    if error is None:
        try:
            models = [Path(model) for model in facts["models"].values()]
            metrics = evaluate_release(
                models, package, out, predict, evaluation, tracking, pixels_per_mm, example_frames
            )
            error = metrics.get("incomparable")
            if error is None and not metrics["animals"]:
                error = f"{package} must have labeled animals to measure the models on, got none; see split"
        except Exception as failure:  # such as a batch that does not fit into memory
            error = say_failure(failure)
            logger.exception("this run is a hole in the table")
    if error is not None:
        with new_folder(out) as folder:
            write_json({"error": error}, folder / "metrics.json")

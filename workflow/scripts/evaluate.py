"""Rule evaluate: how well a release finds the labeled animals of a test set."""

from pathlib import Path

from poseflow.config import EvaluationConfig, PredictConfig, ReportConfig, TrackingConfig
from poseflow.core.errors import IncomparableError, SkeletonError
from poseflow.core.files import write_json
from poseflow.runs.lock import begin_job
from poseflow.runs.releases import read_release
from poseflow.steps.evaluate import evaluate_release

begin_job(snakemake.log[0], snakemake.threads)
out, settings = Path(snakemake.output.metrics), snakemake.params.step["settings"]
try:
    evaluate_release(
        read_release(snakemake.input.release).folders,
        Path(snakemake.input.test),
        out.parent,
        PredictConfig.model_validate(settings["predict"]),
        EvaluationConfig.model_validate(settings["evaluation"]),
        TrackingConfig.model_validate(settings["tracking"]),
        snakemake.params.pixels_per_mm,
        ReportConfig.model_validate(settings["report"]).example_frames,
    )
except (SkeletonError, IncomparableError) as error:  # the release in use, where labels or models are others since
    write_json({"incomparable": str(error)}, out)

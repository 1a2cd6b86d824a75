"""Rule evaluate: how well a release finds the labeled animals of a test set."""

from pathlib import Path

from poseflow.accuracy import evaluate_release
from poseflow.config import EvaluationConfig, PredictConfig
from poseflow.errors import SkeletonError
from poseflow.files import write_json
from poseflow.releases import read_release
from poseflow.runs import begin_job

begin_job(snakemake.log[0], snakemake.threads)
out = Path(snakemake.output.metrics)
try:
    evaluate_release(
        read_release(snakemake.input.release).folders,
        Path(snakemake.input.test),
        out.parent,
        PredictConfig.model_validate(snakemake.params.predict),
        EvaluationConfig.model_validate(snakemake.params.evaluation),
        snakemake.params.min_identity_score,
        snakemake.params.pixels_per_mm,
        snakemake.params.examples,
    )
except SkeletonError as error:  # the release in use, where the labels have got other nodes since
    write_json({"incomparable": str(error)}, out)

"""Rule evaluate: how well the models find the labeled animals of the test set."""

from pathlib import Path

from poseflow.accuracy import evaluate_release
from poseflow.config import EvaluationConfig, PredictConfig
from poseflow.runs import begin_job

begin_job(snakemake.log[0], snakemake.threads)
evaluate_release(
    [Path(path).parent for path in snakemake.input.models],
    Path(snakemake.input.test),
    Path(snakemake.output.metrics).parent,
    PredictConfig.model_validate(snakemake.params.predict),
    EvaluationConfig.model_validate(snakemake.params.evaluation),
    snakemake.params.pixels_per_mm,
    snakemake.params.examples,
    snakemake.params.min_identity_score,
)

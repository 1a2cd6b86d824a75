"""Rule experiment_evaluate."""

from pathlib import Path

from poseflow.config import PredictConfig, parse_section
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.experiment_evaluate import evaluate_run

begin_job(snakemake.log[0], snakemake.threads)
settings = read_settings(snakemake.params.step)
evaluate_run(
    Path(snakemake.input.trained),
    Path(snakemake.input.measured),
    Path(snakemake.output.metrics).parent,
    parse_section(PredictConfig, snakemake.params.predict, "predict"),
    settings.evaluation,
    settings.tracking,
    snakemake.params.pixels_per_mm,
    settings.report.example_frames,
)

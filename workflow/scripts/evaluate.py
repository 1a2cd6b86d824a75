"""Rule evaluate."""

from pathlib import Path

from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.runs.releases import read_release
from poseflow.steps.evaluate import evaluate_release

begin_job(snakemake.log[0], snakemake.threads)
settings = read_settings(snakemake.params.step)
evaluate_release(
    read_release(snakemake.input.release).folders,
    Path(snakemake.input.test),
    Path(snakemake.output.metrics).parent,
    settings.predict,
    settings.evaluation,
    settings.tracking,
    snakemake.params.pixels_per_mm,
    settings.report.example_frames,
)

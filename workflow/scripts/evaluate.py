"""Rule evaluate."""

from pathlib import Path

from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.runs.releases import read_release
from poseflow.runs.runtimes import resolve_runtime
from poseflow.steps.evaluate import evaluate_release

begin_job(snakemake.log[0], snakemake.threads)
settings, release = read_settings(snakemake.params.step), read_release(snakemake.input.release)
evaluate_release(
    release.folders,
    Path(snakemake.input.test),
    Path(snakemake.output.metrics).parent,
    resolve_runtime(release, settings.predict),
    settings.evaluation,
    settings.tracking,
    snakemake.params.pixels_per_mm,
    settings.report.example_frames,
)

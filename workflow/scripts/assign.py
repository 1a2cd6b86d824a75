"""Rule assign."""

from pathlib import Path

from poseflow.runs.lock import begin_job
from poseflow.steps.assign import assign_release

begin_job(snakemake.log[0])
assign_release(Path(snakemake.input.current), map(Path, snakemake.output.releases))

"""Rule release: models that run together."""

from pathlib import Path

from poseflow.cluster import clear_jobs
from poseflow.runs.lock import begin_job
from poseflow.runs.releases import build_release, write_release

begin_job(snakemake.log[0])
models = snakemake.params.models
write_release(build_release(snakemake.wildcards.release, models, snakemake.params.labels), snakemake.output.release)
clear_jobs(Path(folder) for folder in models.values())

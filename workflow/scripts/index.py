"""Rule index."""

from pathlib import Path

from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.index import index_recording

begin_job(snakemake.log[0])
settings = read_settings(snakemake.params.step)
index_recording(Path(snakemake.params.video), Path(snakemake.output.index), settings.videos)

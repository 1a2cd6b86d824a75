"""Rule render."""

from pathlib import Path

from poseflow.media import read_index
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.render import render_poses

begin_job(snakemake.log[0])
given, settings = snakemake.input, read_settings(snakemake.params.step)
render_poses(read_index(given.index), Path(given.poses), Path(snakemake.output.overlay), settings.render)

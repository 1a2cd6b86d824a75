"""Rules of exports, one a format."""

from pathlib import Path

from poseflow.config import SubjectConfig
from poseflow.media import read_index
from poseflow.runs.lock import begin_job
from poseflow.steps.export import export_table

begin_job(snakemake.log[0])
given, params = snakemake.input, snakemake.params
subject = SubjectConfig.model_validate(params.subject)
export_table(Path(given.poses), Path(snakemake.output[0]), params.format, read_index(given.index), subject)

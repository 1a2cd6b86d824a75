"""Rule index_predictions."""

from pathlib import Path

from poseflow.runs.lock import begin_job
from poseflow.steps.index_predictions import index_predictions

begin_job(snakemake.log[0])
index_predictions(Path(snakemake.input.file), snakemake.params.number, Path(snakemake.output.index))

"""Rule release."""

from pathlib import Path

from poseflow.runs.lock import begin_job
from poseflow.steps.release import put_together

begin_job(snakemake.log[0])
models = {name: Path(folder) for name, folder in snakemake.params.models.items()}
put_together(models, Path(snakemake.output.release), snakemake.wildcards.release, snakemake.params.labels)

"""Rule release."""

from pathlib import Path

from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.release import put_together

begin_job(snakemake.log[0], snakemake.threads)
models = {name: Path(folder) for name, folder in snakemake.params.models.items()}
given, params = snakemake.input, snakemake.params
validation = (Path(given.validation), read_settings(params.step).predict) if given.validation else None
put_together(models, Path(snakemake.output.release), snakemake.wildcards.release, params.labels, validation)

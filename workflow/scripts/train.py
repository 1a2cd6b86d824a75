"""Rule train."""

from pathlib import Path

from poseflow.cluster import JobResources
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.train import train_profile

begin_job(snakemake.log[0], snakemake.threads, append=True)  # of all its starts
train_profile(
    read_settings(snakemake.params.step).model,
    (Path(snakemake.input.train), Path(snakemake.input.val)),
    Path(snakemake.output.weights).parent,
    (JobResources.from_rule(dict(snakemake.resources.items()), snakemake.threads), Path(snakemake.log[0])),
)

"""Rule train."""

from pathlib import Path

from poseflow.cluster import JobResources, show_epochs
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.train import train_profile

log = Path(snakemake.log[0])
terminal = begin_job(log, append=True)  # of all its starts
with show_epochs(log, f"train {snakemake.wildcards.model}", terminal):
    train_profile(
        read_settings(snakemake.params.step).model,
        (Path(snakemake.input.train), Path(snakemake.input.val)),
        Path(snakemake.output.weights).parent,
        (JobResources.from_rule(dict(snakemake.resources.items()), snakemake.threads), log),
    )

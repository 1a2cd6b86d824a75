"""Rule experiment_train."""

from pathlib import Path

from poseflow.cluster import JobResources, show_epochs
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.experiment_train import ExperimentData, train_run

given, params = snakemake.input, snakemake.params
log = Path(snakemake.log[0])
terminal = begin_job(log, append=True)  # of all its starts
with show_epochs(log, f"{snakemake.wildcards.experiment} {snakemake.wildcards.training}", terminal):
    train_run(
        {name: read_settings(step).model for name, step in params.steps.items()},
        ExperimentData(Path(given.train), Path(given.val), params.labels, params.draw, params.channels),
        Path(snakemake.output.trained).parent,
        (JobResources.from_rule(dict(snakemake.resources.items()), snakemake.threads), log),
    )

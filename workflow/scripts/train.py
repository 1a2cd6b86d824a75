"""Rule train: one model from its profile and the dataset, in a job of its own."""

from pathlib import Path

from poseflow.cluster import JobResources, train_as_job
from poseflow.config import ModelConfig
from poseflow.runs.lock import begin_job

log = snakemake.log[0]
begin_job(log, append=True)  # of all its starts
train_as_job(
    ModelConfig.model_validate(snakemake.params.step["settings"]["model"]),
    (Path(snakemake.input.train), Path(snakemake.input.val)),
    Path(snakemake.output.weights).parent,
    Path(log),
    JobResources.from_rule(dict(snakemake.resources.items()), snakemake.threads),
)

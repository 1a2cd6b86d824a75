"""Rule train: one model from its profile and the dataset."""

from pathlib import Path

from poseflow.config import ModelConfig
from poseflow.runs import begin_job

begin_job(snakemake.log[0], snakemake.threads)

from poseflow.training import train_model  # noqa: E402  Keras has much to say while it is imported

train_model(
    ModelConfig.model_validate(snakemake.params.model),
    Path(snakemake.input.train),
    Path(snakemake.input.val),
    Path(snakemake.output.weights).parent,
)

"""Rule split: labeled frames as training, validation and test set, each one file with its images."""

from poseflow.config import LabelsConfig, SplitConfig
from poseflow.labels import read_labels, split_labels, write_package
from poseflow.runs import begin_job

begin_job(snakemake.log[0])
labels = read_labels(snakemake.input.labels, LabelsConfig.model_validate(snakemake.params.labels))
for side, part in split_labels(labels, SplitConfig.model_validate(snakemake.params.split)).items():
    write_package(part, snakemake.output[side], snakemake.params.channels)

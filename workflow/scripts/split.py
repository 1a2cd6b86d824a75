"""Rule split: labeled frames as training, validation and test set, each one file with its images."""

from poseflow.config import LabelsConfig, SplitConfig
from poseflow.labels import read_labels, split_labels, write_package
from poseflow.runs.fingerprints import check_labels, fingerprint, hash_labels
from poseflow.runs.lock import begin_job

begin_job(snakemake.log[0])
step, reading, channels = snakemake.params.step, snakemake.params.labels, snakemake.params.channels
labels = read_labels(
    snakemake.input.labels,
    LabelsConfig.model_validate({**reading["settings"]["labels"], "video_folders": snakemake.params.video_folders}),
)
# What was read is what the dataset's name promises: asked afterwards, so that labels saved in between count too.
check_labels(fingerprint(step, hash_labels(reading, snakemake.input.labels), channels), snakemake.wildcards.dataset)
for side, part in split_labels(labels, SplitConfig.model_validate(step["settings"]["split"])).items():
    write_package(part, snakemake.output[side], channels)

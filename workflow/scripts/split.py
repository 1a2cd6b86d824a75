"""Rule split."""

from pathlib import Path

from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.label_files import LabelFiles
from poseflow.steps.split import split_dataset

begin_job(snakemake.log[0])
params = snakemake.params
split_dataset(
    LabelFiles.of_run(snakemake.input.labels, params.labels, params.video_folders),
    {side: Path(path) for side, path in snakemake.output.items()},
    read_settings(params.step).split,
    params.channels,
    snakemake.wildcards.dataset,
)

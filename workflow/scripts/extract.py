"""Rule extract."""

from pathlib import Path

from poseflow.media import read_index
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.extract import extract_frames
from poseflow.steps.label_files import LabelFiles

begin_job(snakemake.log[0])
given, params = snakemake.input, snakemake.params
extract_frames(
    read_index(given.index),
    Path(snakemake.output.suggestions),
    read_settings(params.step).extract,
    LabelFiles.of_run(given.labels, params.labels, params.video_folders, params.labels_key),
    [Path(path) for path in given.predictions],
)

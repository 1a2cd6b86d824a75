"""Rule split."""

from dataclasses import replace
from pathlib import Path

from poseflow.runs.corrections import CorrectedRecording
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.label_files import LabelFiles
from poseflow.steps.split import split_dataset

begin_job(snakemake.log[0])
params = snakemake.params
corrected = {
    recording: CorrectedRecording(
        [Path(path) for path in own["files"]], {video: Path(path) for video, path in own["videos"].items()}
    )
    for recording, own in params.corrected.items()
}
split_dataset(
    replace(LabelFiles.of_run(snakemake.input.labels, params.labels, params.video_folders), corrected=corrected),
    {side: Path(path) for side, path in snakemake.output.items()},
    read_settings(params.step).split,
    params.channels,
    snakemake.wildcards.dataset,
)

"""Rule assemble."""

from datetime import datetime
from pathlib import Path

from poseflow.media import read_index
from poseflow.runs.lock import begin_job
from poseflow.runs.recording_facts import RecordingFacts
from poseflow.steps.assemble import assemble_poses

begin_job(snakemake.log[0])
given, params, start = snakemake.input, snakemake.params, snakemake.params.start_time
assemble_poses(
    [Path(path) for path in given.predictions],
    Path(given.tracks),
    read_index(given.index),
    Path(snakemake.output.poses),
    (snakemake.wildcards.recording, snakemake.wildcards.video),
    RecordingFacts(datetime.fromisoformat(start) if start else None, params.pixels_per_mm, columns=params.facts),
    params.columns,
    [Path(path) for path in given.corrections],
)

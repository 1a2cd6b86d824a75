"""Rule assemble: one video's pose table from its predictions, tracks and times."""

from datetime import datetime

from poseflow.media import read_index
from poseflow.runs.lock import begin_job
from poseflow.runs.provenance import describe_assembly
from poseflow.tables import PoseSource, assemble_files, read_tracks

begin_job(snakemake.log[0])
start = snakemake.params.start_time
source = PoseSource(
    recording=snakemake.wildcards.recording,
    video=snakemake.wildcards.video,
    pixels_per_mm=snakemake.params.pixels_per_mm,
    start=datetime.fromisoformat(start) if start else None,
    details=describe_assembly(),
)
tracks = read_tracks(snakemake.input.tracks, snakemake.wildcards.video)
assemble_files(snakemake.input.predictions, tracks, read_index(snakemake.input.index), source, snakemake.output.poses)

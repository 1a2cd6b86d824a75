"""Rule track: link a recording's predicted instances into tracks, name them, and list what is in doubt."""

from datetime import datetime
from pathlib import Path

from poseflow.config import ReviewConfig, TrackingConfig
from poseflow.media import read_index
from poseflow.runs.lock import begin_job
from poseflow.runs.provenance import describe_tracking
from poseflow.tables import clear_finished
from poseflow.tracking.review.recording import track_and_review

begin_job(snakemake.log[0])
indexes = {Path(path).stem: read_index(path) for path in snakemake.input.indexes}
settings = snakemake.params.step["settings"]
shards = [Path(path) for path in snakemake.input.predictions]
predictions = {video: [path for path in shards if path.parent.name == video] for video in indexes}
configs = TrackingConfig.model_validate(settings["tracking"]), ReviewConfig.model_validate(settings["review"])
moments = track_and_review(
    predictions,
    indexes,
    {video: datetime.fromisoformat(start) for video, start in snakemake.params.starts.items() if start},
    snakemake.input.corrections,
    (snakemake.output.tracks, snakemake.output.review, snakemake.output.suggestions),
    configs,
    describe_tracking(predictions, snakemake.input.corrections, *configs),
)
print(f"{moments} moments to look at")
for folder in {path.parent for path in shards}:
    clear_finished(folder)

"""Rule track."""

from datetime import datetime
from pathlib import Path

from poseflow.media import read_index
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.steps.track import TrackedFiles, track_videos

begin_job(snakemake.log[0])
given, out, settings = snakemake.input, snakemake.output, read_settings(snakemake.params.step)
shards, starts = [Path(path) for path in given.predictions], snakemake.params.starts
indexes = {Path(path).stem: read_index(path) for path in given.indexes}
links = track_videos(
    {video: [path for path in shards if path.parent.name == video] for video in indexes},
    TrackedFiles(Path(out.tracks), Path(out.review), Path(out.suggestions)),
    (settings.tracking, settings.review),
    indexes,
    {video: datetime.fromisoformat(start) for video, start in starts.items() if start},
    [Path(path) for path in given.corrections],
)
print(f"{links} links to review")

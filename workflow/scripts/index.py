"""Rule index: what one recording holds, from its packets."""

from poseflow.config import VideosConfig
from poseflow.media import index_video, write_index
from poseflow.runs.lock import begin_job

begin_job(snakemake.log[0])
settings = VideosConfig.model_validate(snakemake.params.step["settings"]["videos"])
index = index_video(snakemake.params.video, h5_dataset=settings.h5_dataset)
write_index(index, snakemake.output.index)

"""Rule index: what one recording holds, from its packets."""

from poseflow.media import index_video, write_index
from poseflow.runs import begin_job

begin_job(snakemake.log[0])
index = index_video(snakemake.params.video, h5_dataset=snakemake.params.h5_dataset)
write_index(index, snakemake.output.index)

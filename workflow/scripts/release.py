"""Rule release: the models that run over recordings."""

from poseflow.releases import build_release, write_release
from poseflow.runs import begin_job

begin_job(snakemake.log[0])
write_release(build_release(snakemake.wildcards.release, snakemake.params.models), snakemake.output.release)

"""Rule release: the models that run over recordings."""

from poseflow.files import read_json
from poseflow.releases import build_release, write_release
from poseflow.runs import begin_job

begin_job(snakemake.log[0])
accuracy = read_json(snakemake.input.metrics[0]) if snakemake.input.metrics else None
release = build_release(snakemake.wildcards.release, snakemake.params.models, accuracy)
write_release(release, snakemake.output.release)

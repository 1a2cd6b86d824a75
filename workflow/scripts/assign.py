"""Rule assign: the release that new recordings are predicted with."""

import shutil

from poseflow.core.files import replacing
from poseflow.runs.lock import begin_job

begin_job(snakemake.log[0])
for path in snakemake.output.releases:
    with replacing(path) as beside:
        shutil.copyfile(snakemake.input.current, beside)

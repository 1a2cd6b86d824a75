"""Rule render: poses drawn over their recording."""

import numpy as np

from poseflow.config import RenderConfig
from poseflow.media import read_index, write_video
from poseflow.report.overlay import render_overlay
from poseflow.runs.lock import begin_job

begin_job(snakemake.log[0])
index = read_index(snakemake.input.index)
out, settings = snakemake.output.overlay, RenderConfig.model_validate(snakemake.params.step["settings"]["render"])
if index.is_ok:
    render_overlay(index, snakemake.input.poses, out, settings)
else:
    write_video(out, iter([np.zeros((64, 64, 1), np.uint8)]), fps=1)  # the report says why there is no more to see

"""Rule promote."""

from pathlib import Path

from poseflow.config import PromotionConfig
from poseflow.runs.lock import begin_job
from poseflow.runs.places import PLACES
from poseflow.runs.promotion import describe_decision
from poseflow.steps.promote import compare_candidate

begin_job(snakemake.log[0])
decision = compare_candidate(
    Path(snakemake.input.candidate),
    [Path(path) for path in snakemake.input.metrics],
    Path(snakemake.output.current),
    snakemake.params.block_frames,
    # No parameter: other settings of the comparison are for the next candidate, and undo no decision.
    PromotionConfig.model_validate(snakemake.config.get("promotion") or {}),
    PLACES,
)
print(describe_decision(decision))

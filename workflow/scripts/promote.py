"""Rule promote: whether new models take the place of those in use."""

import shutil
from pathlib import Path

from poseflow.config import PromotionConfig
from poseflow.core.files import read_json, replacing
from poseflow.runs.lock import begin_job
from poseflow.runs.places import PLACES
from poseflow.runs.promotion import add_to_history, find_incumbent, is_judged, judge, read_history

begin_job(snakemake.log[0])
# The section is no parameter: other settings of the comparison are for the next candidate, and undo no decision.
config = PromotionConfig.model_validate(snakemake.config.get("promotion") or {})
candidate = read_json(snakemake.input.candidate)["id"]
history = read_history(PLACES.history)
if not is_judged(history, candidate):
    incumbent = find_incumbent(history, candidate)
    metrics = [read_json(path) for path in snakemake.input.metrics]
    pair = (metrics[0], metrics[-1]) if metrics else None
    decision = judge(candidate, incumbent, pair, snakemake.params.block_frames, config)
    add_to_history(decision, PLACES.history)
    print(f"{decision.event}: {decision.reason}")
current = read_history(PLACES.history)[-1].current
with replacing(snakemake.output.current) as beside:
    shutil.copyfile(Path(snakemake.input.candidate).with_name(f"{current}.json"), beside)

"""Rule evaluate_tracking: one recording's tracks against its labels."""

from pathlib import Path

from poseflow.config import EvaluationConfig, LabelsConfig
from poseflow.core.files import write_json
from poseflow.evaluation import evaluate_recording
from poseflow.runs.fingerprints import check_labels, hash_labels
from poseflow.runs.lock import begin_job
from poseflow.tables import read_predictions, read_tracks

begin_job(snakemake.log[0])
settings, files = snakemake.params.step["settings"], snakemake.input.labels
reading = LabelsConfig.model_validate(
    {**snakemake.params.labels["settings"]["labels"], "video_folders": snakemake.params.video_folders}
)
metrics = evaluate_recording(
    ([Path(file) for file in files], reading),
    Path(snakemake.params.video),
    read_predictions(snakemake.input.predictions, with_shifted=False),
    read_tracks(snakemake.input.tracks, snakemake.wildcards.video),
    EvaluationConfig.model_validate(settings["evaluation"]),
)
check_labels(hash_labels(snakemake.params.labels, files), snakemake.params.labels_key)
write_json(metrics, snakemake.output.metrics)

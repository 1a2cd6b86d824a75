"""Rule evaluate_tracking: one recording's tracks against its labels."""

from poseflow.config import EvaluationConfig, LabelsConfig
from poseflow.evaluation import evaluate_recording
from poseflow.files import write_json
from poseflow.labels import read_labels
from poseflow.runs import begin_job
from poseflow.tables import read_predictions, read_tracks

begin_job(snakemake.log[0])
metrics = evaluate_recording(
    read_labels(snakemake.input.labels, LabelsConfig.model_validate(snakemake.params.labels)),
    snakemake.params.video,
    read_predictions(snakemake.input.predictions, with_shifted=False),
    read_tracks(snakemake.input.tracks, snakemake.wildcards.video),
    EvaluationConfig.model_validate(snakemake.params.evaluation),
)
write_json(metrics, snakemake.output.metrics)

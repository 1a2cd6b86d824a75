"""Rule extract: frames of one recording that are worth labeling."""

from poseflow.config import ExtractConfig, LabelsConfig
from poseflow.extract import suggest_frames
from poseflow.labels import find_labeled_frames, read_labels, skeleton_of
from poseflow.media import read_index
from poseflow.runs import begin_job
from poseflow.tables import read_predictions

begin_job(snakemake.log[0])
settings = ExtractConfig.model_validate(snakemake.params.extract)
reading = LabelsConfig.model_validate(snakemake.params.labels)
index, labels, tables = read_index(snakemake.input.index), snakemake.input.labels, snakemake.input.predictions
suggest_frames(
    index,
    snakemake.output.suggestions,
    settings,
    labeled=find_labeled_frames(labels, reading, index),
    predictions=read_predictions(tables, with_shifted=False) if tables and index.is_ok else None,
    skeleton=skeleton_of(read_labels(labels, reading)) if labels else None,
)

"""Rule extract: frames of one recording that are worth labeling."""

from poseflow.config import ExtractConfig, LabelsConfig
from poseflow.labels import find_labeled_frames, read_labels, skeleton_of
from poseflow.media import read_index
from poseflow.runs.fingerprints import check_labels, hash_labels
from poseflow.runs.lock import begin_job
from poseflow.suggest.recording import suggest_frames
from poseflow.tables import read_predictions

begin_job(snakemake.log[0])
settings = ExtractConfig.model_validate(snakemake.params.step["settings"]["extract"])
reading = LabelsConfig.model_validate(
    {**snakemake.params.labels["settings"]["labels"], "video_folders": snakemake.params.video_folders}
)
index, labels, tables = read_index(snakemake.input.index), snakemake.input.labels, snakemake.input.predictions
labeled = find_labeled_frames(labels, reading, index)
skeleton = skeleton_of(read_labels(labels, reading, with_videos=False)) if labels else None
if labels:
    check_labels(hash_labels(snakemake.params.labels, labels), snakemake.params.labels_key)
suggest_frames(
    index,
    snakemake.output.suggestions,
    settings,
    labeled=labeled,
    predictions=read_predictions(tables, with_shifted=False) if tables and index.is_ok else None,
    skeleton=skeleton,
)

"""Rule report."""

from pathlib import Path

from poseflow.report.inputs import ReportInputs
from poseflow.runs.fingerprints import read_settings
from poseflow.runs.lock import begin_job
from poseflow.runs.places import ANY, PLACES
from poseflow.steps.report import report_run

begin_job(snakemake.log[0])
given, params = snakemake.input, snakemake.params
inputs = ReportInputs(
    indexes=[Path(path) for path in given.indexes],
    poses=[Path(path) for path in given.poses],
    release=Path(given.release) if given.release else None,
    models={name: Path(folder) for name, folder in params.models.items()},
    experiments={Path(table).parent.name: Path(table) for table in given.experiments},
    dataset=Path(given.dataset[0]).parent if given.dataset else None,
    tracking={Path(path).stem: Path(path) for path in given.tracking},
    history=PLACES.history,
    reviews=[Path(path) for path in given.reviews],
    benchmarks={video: PLACES.find(PLACES.benchmark("predict", video, ANY)) for video in params.videos},
    profiles={video: PLACES.find(PLACES.profile(video, ANY)) for video in params.videos},
    config=params.config,
    missing=params.warnings,
)
metrics = {name: Path(path) for name, path in zip(params.pipelines, given.metrics, strict=False)}
report_run(inputs, Path(snakemake.output.report), read_settings(params.step).report, metrics)

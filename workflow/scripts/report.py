"""Rule report: what a person looks at."""

from pathlib import Path

from poseflow.config import ReportConfig
from poseflow.report import ReportInputs, write_report
from poseflow.runs.lock import begin_job
from poseflow.runs.places import ANY, PLACES
from poseflow.runs.releases import read_release

begin_job(snakemake.log[0])
given = snakemake.input
measured = {Path(path).parent.name: Path(path).parent for path in given.metrics}
inputs = ReportInputs(
    indexes=[Path(path) for path in given.indexes],
    poses=[Path(path) for path in given.poses],
    release=Path(given.release),
    models={name: Path(folder) for name, folder in snakemake.params.models.items()},
    evaluation=measured.get(read_release(given.release).id),
    comparison=dict(zip(snakemake.params.pipelines, measured.values(), strict=True)) if len(measured) > 1 else {},
    dataset=Path(given.dataset[0]).parent if given.dataset else None,
    tracking={Path(path).stem: Path(path) for path in given.tracking},
    history=PLACES.history,
    reviews=[Path(path) for path in given.reviews],
    benchmarks={video: PLACES.find(PLACES.benchmark("predict", video, ANY)) for video in snakemake.params.videos},
    config=snakemake.params.config,
    missing=snakemake.params.warnings,
)
write_report(inputs, ReportConfig.model_validate(snakemake.params.step["settings"]["report"]), snakemake.output.report)

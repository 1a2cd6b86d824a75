"""Rule experiment."""

from pathlib import Path

from poseflow.runs.lock import begin_job
from poseflow.steps.experiment import RunResult, tabulate_runs

begin_job(snakemake.log[0])
files = zip(snakemake.params.runs, snakemake.input.trained, snakemake.input.metrics, strict=True)
runs = [RunResult(values, replicate, Path(trained), Path(metrics)) for (values, replicate), trained, metrics in files]
tabulate_runs(runs, Path(snakemake.output.table))

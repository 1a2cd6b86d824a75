"""Rule evaluate: how well a release finds the labeled animals of a test set."""

from contextlib import closing
from pathlib import Path

from poseflow.accuracy import evaluate_release
from poseflow.config import EvaluationConfig, PredictConfig
from poseflow.files import write_json
from poseflow.labels import read_package
from poseflow.releases import read_release
from poseflow.runs import begin_job

begin_job(snakemake.log[0], snakemake.threads)
release, test, out = read_release(snakemake.input.release), Path(snakemake.input.test), Path(snakemake.output.metrics)
with closing(read_package(test)) as package:
    nodes = package.skeleton.nodes
if release.skeleton.nodes == nodes:
    evaluate_release(
        release.folders,
        test,
        out.parent,
        PredictConfig.model_validate(snakemake.params.predict),
        EvaluationConfig.model_validate(snakemake.params.evaluation),
        snakemake.params.pixels_per_mm,
        snakemake.params.examples,
        snakemake.params.min_identity_score,
    )
else:  # the release in use, where the labels have got other nodes since
    write_json({"incomparable": f"it finds {', '.join(release.skeleton.nodes)}, not {', '.join(nodes)}"}, out)

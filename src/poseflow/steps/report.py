"""The step `report`: what a person looks at."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from poseflow.config import ReportConfig
from poseflow.report.inputs import ReportInputs
from poseflow.report.page import write_report
from poseflow.runs.releases import read_release


def report_run(
    inputs: ReportInputs, out: Path, settings: ReportConfig, metrics: Mapping[str, Path] | None = None
) -> None:
    """Write the report.

    Args:
        metrics: accuracy of each pipeline on the test set, by its name, each in the folder of its release: that of the
            release in use is told at length, and several are compared.
    """
    folders = {name: path.parent for name, path in (metrics or {}).items()}
    if folders and inputs.release is not None:
        current = read_release(inputs.release).id
        measured = next((folder for folder in folders.values() if folder.name == current), None)
        inputs = replace(inputs, evaluation=measured, comparison=folders if len(folders) > 1 else {})
    write_report(inputs, settings, out)

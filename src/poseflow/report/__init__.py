"""Figures, and the report: one HTML file that tells what a run did and how far it can be trusted."""

from poseflow.report.inputs import ReportInputs
from poseflow.report.page import write_report

__all__ = ["ReportInputs", "write_report"]

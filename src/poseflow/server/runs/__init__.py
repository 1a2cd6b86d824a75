"""Runs of the workflow, trainings and releases."""

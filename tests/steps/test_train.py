"""Training goes on in this process, or in a job of its own."""

import sys
from types import SimpleNamespace

import pytest

from poseflow.cluster import JobResources
from poseflow.config import ModelConfig
from poseflow.steps.train import train_profile

PROFILE = ModelConfig(kind="centroid")


@pytest.mark.parametrize("job", [None, (JobResources(), "the log")], ids=["here", "in a job"])
def test_a_model_is_trained_here_or_in_a_job(job, tmp_path, monkeypatch):
    def train_model(profile, train, val, folder, monitor):
        called.append("here")

    def train_as_job(profile, sets, folder, log, resources):
        called.append(log)

    called = []
    monkeypatch.setitem(sys.modules, "poseflow.training", SimpleNamespace(train_model=train_model))
    monkeypatch.setattr("poseflow.cluster.train_as_job", train_as_job)
    train_profile(PROFILE, (tmp_path / "train", tmp_path / "val"), tmp_path / "model", job)
    assert called == ["here" if job is None else "the log"]

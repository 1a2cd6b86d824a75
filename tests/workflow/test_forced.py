"""What is forced, or made by a changed step, takes all that is downstream with it; a neutral new setting nothing."""

import textwrap

import pytest
import yaml

pytestmark = [pytest.mark.workflow, pytest.mark.timeout(1800)]
AFTER_TRACK = {"track", "assemble", "render", "evaluate_tracking", "report"}


@pytest.mark.parametrize("how", [["nightly", "-Rtrack"], ["nightly", "--forcerun", "track"], ["-R", "track"]])
def test_a_step_that_is_forced_takes_everything_downstream_with_it(project, how):
    assert set(project.planned_jobs(*how)) - {"all", "nightly"} == AFTER_TRACK


def test_a_step_that_a_profile_forces_does_so_too(project):
    (project.folder / "local").unlink()
    (project.folder / "local").mkdir()
    (project.folder / "local/config.yaml").write_text(yaml.safe_dump({"cores": 2, "forcerun": ["track"]}))
    assert set(project.planned_jobs("nightly")) - {"nightly"} == AFTER_TRACK


@pytest.fixture
def next_version(project, tmp_path, monkeypatch):
    """Give the project a poseflow that is changed by some lines of code before anything else is imported."""

    def change(code):
        (tmp_path / "next").mkdir()
        (tmp_path / "next/sitecustomize.py").write_text(textwrap.dedent(code))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "next"))

    return change


CHANGE = """
    import poseflow.config as config
    from poseflow.config.tracking import TrackingConfig
    from pydantic.fields import FieldInfo
    {change}
    TrackingConfig.model_rebuild(force=True)
    config.Config.model_fields["tracking"].default = TrackingConfig()
    config.Config.model_rebuild(force=True)
"""


def test_a_neutral_new_setting_reruns_nothing(project, next_version):
    next_version(CHANGE.format(change="TrackingConfig.model_fields['new_one'] = FieldInfo(annotation=int, default=3)"))
    assert project.planned_jobs("nightly") == {}
    project.configure(tracking={**project.config["tracking"], "new_one": 4})
    assert "track" in project.planned_jobs("nightly"), "the setting is there, and counts once it is set"


def test_a_changed_default_with_its_raised_version_makes_everything_downstream_anew(project, next_version):
    raised = "import poseflow.runs.fingerprints as f; f.STEP_VERSIONS = {**f.STEP_VERSIONS, 'track': 1000}"
    changed = f"TrackingConfig.model_fields['max_gap_frames'].default = 5\n    {raised}"
    next_version(CHANGE.format(change=changed))
    assert set(project.planned_jobs("nightly")) - {"nightly"} == AFTER_TRACK


def test_predictions_that_are_no_longer_kept_go_and_come_back_where_tracking_needs_them(project):
    predictions = project.places.results / "predictions"
    project.configure(keep={"predictions": {"days": 1}})
    project.snakemake("all")
    assert list(predictions.rglob("*.parquet")), "they are of today"
    project.configure(keep={"predictions": {"days": 1e-9}})
    assert project.planned_jobs("all") == {}
    assert "keep.predictions.days" in project.snakemake("all")
    assert not list(predictions.rglob("*.parquet"))
    assert project.planned_jobs("nightly") == {}, "what is made stays so"
    assert {"predict", "track", "assemble"} <= set(project.planned_jobs("-R", "track"))

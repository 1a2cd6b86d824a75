"""What makes a step's result another one, and what does not."""

import json

import pytest
from pydantic import Field, create_model
from record_defaults import RECORD, changed_defaults, read_defaults

from poseflow.config import BACKBONES, Config, ModelConfig, TrackingConfig
from poseflow.core.errors import LabelsError
from poseflow.runs.fingerprints import (
    STEP_SETTINGS,
    check_labels,
    describe_sections,
    describe_step,
    describe_training,
    fingerprint,
    hash_labels,
    key_of,
    read_settings,
)


def test_a_changed_default_needs_a_new_version_of_its_step():
    changed = changed_defaults(json.loads(RECORD.read_text()), read_defaults())
    assert not changed, "raise STEP_VERSIONS of these steps, say in CHANGELOG.md what is different, and `make schema`"


def test_the_record_of_defaults_is_that_of_today():
    assert json.loads(RECORD.read_text()) == read_defaults(), "`make schema` keeps it"


@pytest.mark.parametrize(
    ("was", "now", "changed"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"a": 2}, ["track: s.a"]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["track: s.a.b"]),
        ({"a": 1}, {}, ["track: s.a"]),
    ],
    ids=["a new setting", "a changed default", "nested", "a setting that is gone"],
)
def test_the_record_tells_a_changed_default_from_a_new_setting(was, now, changed):
    record = {"track": {"version": 1, "defaults": {"s": was}}}
    assert changed_defaults(record, {"track": {"version": 1, "defaults": {"s": now}}}) == changed
    assert changed_defaults(record, {"track": {"version": 2, "defaults": {"s": now}}}) == []


def test_every_section_belongs_to_a_step_or_to_none():
    """Else a new section's settings would change results and rerun nothing."""
    known = {name.partition(".")[0] for names in STEP_SETTINGS.values() for name in names}
    # Profiles, keys, a decision that is made once, what is known of single recordings, and where predictions lie.
    elsewhere = {"models", "pipelines", "release", "promotion", "recordings", "predictions"}
    elsewhere |= {"exports", "subject"}  # targets, and what the rules of some of them have as a parameter
    elsewhere |= {"keep"}  # what goes after a run
    elsewhere |= {"experiments"}  # of which each training and each run has a key of its own
    assert known | elsewhere == set(Config.model_fields)


@pytest.mark.parametrize("step", STEP_SETTINGS)
def test_a_new_setting_left_at_its_default_changes_no_fingerprint(step):
    grown = {
        name: (create_model("Grown", __base__=field.annotation, new_setting=(int, Field(3))), field.annotation)
        for name, field in Config.model_fields.items()
        if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields")
    }
    config = create_model(
        "GrownConfig", __base__=Config, **{name: (new, Field(default_factory=new)) for name, (new, _) in grown.items()}
    )
    values = {"tracking": {"animals": 2}, "predict": {"peak_threshold": 0.3}}
    before, after = describe_step(step, Config(**values)), describe_step(step, config(**values))
    assert config().tracking.new_setting == 3
    assert fingerprint(before) == fingerprint(after)


def test_a_fingerprint_follows_settings_version_and_inputs(monkeypatch):
    def of(config, *inputs):
        return fingerprint(describe_step("track", config), *inputs)

    plain = of(Config(), "a")
    assert of(Config(tracking=TrackingConfig(animals=2)), "a") != plain
    assert of(Config(), "b") != plain
    assert of(Config(tracking=TrackingConfig(window_frames=5)), "a") == plain, "5 is the default"
    monkeypatch.setattr("poseflow.runs.fingerprints.STEP_VERSIONS", {"track": 1000})
    assert of(Config(), "a") != plain


def test_what_only_says_where_things_lie_is_left_out():
    moved = Config(labels={"paths": ["x.slp"], "video_folders": ["v"]}, predict={"shard_frames": 10})
    assert {step: describe_step(step, moved) for step in STEP_SETTINGS} == {
        step: describe_step(step, Config()) for step in STEP_SETTINGS
    }


def test_a_profile_is_known_by_what_differs_from_the_defaults():
    profile = ModelConfig(kind="centroid", training={"batch_size": 4, "max_epochs": 3})
    assert describe_training(profile)["settings"] == {"model": {"kind": "centroid", "training": {"max_epochs": 3}}}


def test_a_job_trains_the_backbone_that_the_profile_names():
    """With all settings at their defaults, a backbone was left out of fingerprint and params: a UNet was trained."""
    steps = {}
    for name in BACKBONES:
        profile = ModelConfig(kind="centroid", backbone={"name": name})
        step = json.loads(json.dumps(describe_training(profile)))
        assert read_settings(step).model == profile
        steps[name] = fingerprint(step)
    assert len(set(steps.values())) == len(BACKBONES)
    assert steps["unet"] == fingerprint(describe_training(ModelConfig(kind="centroid")))


def test_labels_saved_since_the_plan_are_told(tmp_path):
    file = tmp_path / "a.slp"
    file.write_bytes(b"one")
    step = describe_step("labels", Config())
    planned = hash_labels(step, [file])
    check_labels(hash_labels(step, [file]), planned)
    file.write_bytes(b"two")
    with pytest.raises(LabelsError, match=r"labels must be those that the run was planned with .* run again"):
        check_labels(hash_labels(step, [file]), planned)


def test_the_order_of_keys_does_not_change_a_key():
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})


def test_a_job_gets_the_settings_of_its_step_and_no_others():
    settings = read_settings(describe_step("evaluate", Config(tracking={"min_points": 4, "animals": 3})))
    assert settings.tracking == TrackingConfig(min_points=4), "the number of animals is none of its settings"
    assert settings.predict == Config().predict
    assert not hasattr(settings, "render")
    profile = ModelConfig(kind="centroid", training={"max_epochs": 3})
    assert read_settings(describe_training(profile)).model == profile


@pytest.mark.parametrize("step", ["predict", "labels", "split"])
def test_a_step_is_described_alike_from_its_sections(step):
    changed = Config(split={"seed": 3}, labels={"video_folders": ["x"]}, predict={"batch_size": 3})
    sections = {name: getattr(changed, name) for name in STEP_SETTINGS[step]}
    assert describe_sections(step, **sections) == describe_step(step, changed)

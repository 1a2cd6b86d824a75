"""Which runs an experiment has, and which trainings they share."""

import pytest

from poseflow.config import BACKBONES, parse_config, read_model_config
from poseflow.core.errors import ConfigError
from poseflow.runs.experiments import plan_experiments


def plan(name="one", **experiment):
    pipelines = experiment.pop("pipelines", None)
    config = {"experiments": {name: experiment}}
    if pipelines:
        config |= {"pipelines": pipelines, "release": next(iter(pipelines))}
        config["models"] = {model: f"config/models/{model}.yaml" for own in pipelines.values() for model in own}
    checked = parse_config(config)
    profiles = {model: read_model_config(profile) for model, profile in checked.models.items()}
    return plan_experiments(checked, profiles, "dataset")[name]


def test_every_combination_is_trained_with_each_seed():
    planned = plan(vary={"*.training.learning_rate": [0.01, 0.001], "pose.backbone.filters": [8, 16]}, replicates=2)
    assert len(planned.runs) == len(planned.trainings) == 8
    run = planned.runs[3]
    assert (run.values, run.replicate) == ({"*.training.learning_rate": 0.01, "pose.backbone.filters": 16}, 1)
    profiles = run.training.profiles
    assert {profile.training.learning_rate for profile in profiles.values()} == {0.01}
    assert [profile.training.seed for profile in profiles.values()] == [1, 1]
    assert profiles["centered_instance"].backbone.filters == 16
    assert plan(vary={"centroid.backbone.filters": [8]}).runs[0].training.profiles["centroid"].backbone.filters == 8


def test_runs_that_only_predict_otherwise_share_their_training():
    planned = plan("speed", replicates=1)
    assert [run.predict.batch_size for run in planned.runs] == [1, 2, 4, 8, 16, 32, 64]
    assert len(planned.trainings) == 1
    assert len({run.key for run in planned.runs}) == 7


def test_pipelines_are_compared():
    pipelines = {"top_down": ["centroid", "centered_instance"], "bottom_up": ["bottom_up"]}
    planned = plan("approaches", pipelines=pipelines, replicates=1)
    assert {run.values["pipeline"]: list(run.training.profiles) for run in planned.runs} == pipelines
    one = plan("receptive_field", pipelines=pipelines, pipeline="bottom_up", replicates=1)
    assert [run.training.profiles["bottom_up"].backbone.max_stride for run in one.runs] == [4, 8, 16, 32, 64, 128]


def test_a_preset_names_backbones_that_there_are():
    planned = plan("backbones", replicates=1)
    names = [run.training.profiles["centered_instance"].backbone.name for run in planned.runs]
    assert set(names) <= set(BACKBONES)
    assert len(planned.trainings) == len(names) == len(set(names))


def test_draws_of_labels_differ_between_replicates_and_all_labels_are_no_draw():
    planned = plan(vary={"labels": [5, "all"]}, replicates=2, seed=10)
    draws = [(run.training.labels, run.training.draw) for run in planned.runs]
    assert draws == [
        (5, 10),
        (5, 11),
        (None, 0),
        (None, 0),
    ]


def test_what_is_fixed_holds_for_all_runs_labels_and_pipeline_too():
    planned = plan(vary={"pose.head.sigma_px": [2, 3]}, fixed={"labels": 20}, replicates=2, seed=10)
    draws = [(run.training.labels, run.training.draw) for run in planned.runs]
    assert draws == [(20, 10), (20, 11)] * 2
    assert [run.values for run in planned.runs] == [{"pose.head.sigma_px": sigma} for sigma in (2, 2, 3, 3)]
    pipelines = {"top_down": ["centroid", "centered_instance"], "one_pass": ["bottom_up"]}
    planned = plan(vary={"pose.head.sigma_px": [2]}, fixed={"pipeline": "one_pass"}, pipelines=pipelines, replicates=1)
    assert set(planned.runs[0].training.profiles) == {"bottom_up"}


def test_crops_turned_by_the_heading_are_compared_with_others():
    planned = plan(vary={"*.input.heading": [None, "head"]}, replicates=1)
    assert [own.turns_crops for own in planned.runs[1].training.profiles.values()] == [False, True]


def test_a_setting_of_predict_may_lie_deeper():
    planned = plan(vary={"predict.grouping.min_edge_score": [0.1, 0.2]}, replicates=1)
    assert [run.predict.grouping.min_edge_score for run in planned.runs] == [0.1, 0.2]
    assert len(planned.trainings) == 1
    assert len({run.key for run in planned.runs}) == 2


def test_a_model_that_no_run_trains_has_no_settings_to_vary():
    pipelines = {"top_down": ["centroid", "centered_instance"], "one_pass": ["bottom_up"]}
    vary = {"centroid.input.scale": [0.25, 0.5]}
    with pytest.raises(ConfigError, match=r"a model that is trained \(bottom_up\), got one of centroid"):
        plan(vary=vary, pipeline="one_pass", pipelines=pipelines)
    assert len(plan(vary=vary | {"pipeline": ["all"]}, pipelines=pipelines, replicates=1).runs) == 4


def test_combinations_are_drawn_by_the_seed():
    vary = {"pose.training.learning_rate": [0.1**n for n in range(2, 8)], "pose.backbone.filters": [4, 8, 16, 32]}
    values = [[run.values for run in plan(vary=vary, draw=5, replicates=1, seed=seed).runs] for seed in (0, 0, 1)]
    assert len(values[0]) == 5
    assert values[0] == values[1] != values[2]


def test_neutral_settings_change_no_key_and_others_do():
    keys = [
        [run.training.key for run in plan(vary={"labels": [5]}, replicates=1, **more).runs]
        for more in ({}, {"measured_on": "test"}, {"fixed": {"pose.training.batch_size": 4}}, {"seed": 1})
    ]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    runs = [plan(vary={"labels": [5]}, replicates=1, measured_on=on).runs[0].key for on in ("val", "test")]
    assert runs[0] != runs[1]


@pytest.mark.parametrize(
    ("experiment", "said"),
    [
        ({}, "experiments.one.vary must say what differs"),
        ({"vary": {"labels": []}}, "vary.labels must have values"),
        ({"vary": {"labels": [0]}}, "vary.labels must be numbers of frames or 'all', got 0"),
        ({"vary": {"rate": [1]}}, "got rate"),
        ({"vary": {"poze.training.seed": [1]}}, "got poze.training.seed"),
        ({"vary": {"pose.training.lerning_rate": [1]}}, "did you mean 'learning_rate'"),
        ({"vary": {"pose.training.batch_size": [0]}}, "batch_size"),
        ({"vary": {"pose.training.seed.x": [0]}}, "training.seed: must be a whole number"),
        ({"vary": {"pose.head.sigma_px": [1]}, "fixed": {"pose.head.sigma_px.x": 1}}, "sigma_px"),
        ({"vary": {"pipeline": ["none"]}}, "pipeline must be one of release, got none"),
        ({"vary": {"pipeline": [["release"]]}}, "pipeline must be one of release, got ['release']"),
        ({"vary": {"predict.batch": [1]}}, "got 'batch'"),
        ({"vary": {"predict.grouping.edges": [1]}}, "edges"),
        ({"vary": {"predict.batch_size.x": [1]}}, "predict.batch_size.x must be a setting"),
        ({"vary": {"pose.head.sigma_px": [1]}, "fixed": {"labels": "few"}}, "fixed.labels must be numbers of frames"),
        ({"vary": {"labels": [5]}, "fixed": {"labels": 6}}, "got labels in both"),
        ({"vary": {"pose.input.heading": ["head"]}}, "release must have a centroid that learns input.heading"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_before_anything_runs(experiment, said):
    with pytest.raises(ConfigError, match=r"experiments\.one") as raised:
        plan(**experiment)
    assert said in str(raised.value)

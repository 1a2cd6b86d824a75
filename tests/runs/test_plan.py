"""The plan of a run: shards, content keys, facts about files."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio
from pydantic import ValidationError

from poseflow.config import Config, PromotionConfig, VideosConfig
from poseflow.core.errors import ConfigError, ModelError, SkeletonError
from poseflow.core.files import write_json
from poseflow.runs.facts import FileFacts
from poseflow.runs.places import PLACES
from poseflow.runs.plan import make_plan, scales_of_labels
from poseflow.runs.promotion import add_to_history, decide_promotion


def write_slp(path, frames_by_video, tracks):
    """Labels of as many animals as there are tracks, at least one, in the given frames of each video."""
    skeleton = sio.Skeleton(["nose", "tail"])
    own = [sio.Track(name) for name in tracks]
    frames = [
        sio.LabeledFrame(
            video=video,
            frame_idx=frame,
            instances=[
                sio.Instance.from_numpy(np.ones((2, 2)), skeleton=skeleton, track=track) for track in own or [None]
            ],
        )
        for name, numbers in frames_by_video.items()
        for video in [sio.Video(filename=str(Path("/somewhere") / name))]
        for frame in numbers
    ]
    videos = list(dict.fromkeys(frame.video for frame in frames))
    labels = sio.Labels(labeled_frames=frames, videos=videos, skeletons=[skeleton], tracks=own)
    sio.save_file(labels, str(path), verbose=False)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with two videos' names, labels and profiles; no video is opened."""
    monkeypatch.chdir(tmp_path)
    for name in ("videos/a.mp4", "videos/day1/b.mp4"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"not a video")
    Path("labels").mkdir()
    write_slp(Path("labels/l.slp"), {"a.mp4": range(50)}, ["one"])
    Path("single.yaml").write_text("kind: single_instance")
    return tmp_path


def plan(**changes):
    config = Config.model_validate({"models": {"single": "single.yaml"}, **changes})
    return make_plan(config, FileFacts("facts.json"))


def test_the_plan_names_everything_that_will_be_made(project):
    found = plan()
    assert {video: list(shards) for video, shards in found.shards.items()} == {
        "a": ["0000-of-0001"],
        "day1__b": ["0000-of-0001"],
    }
    assert found.tracked_videos == {"a"}
    assert found.models["single"] == PLACES.model("single", found.versions["single"])


def test_of_recordings_with_one_name_only_the_labeled_one_can_test_tracking(project):
    Path("videos/day1/a.mp4").write_bytes(b"not a video either")
    assert plan().tracked_videos == set()
    said = "no tracks are evaluated by the labels of .*a.mp4: it is another recording than videos/a.mp4, videos/day1/a"
    assert re.match(said, "\n".join(plan().warnings))
    write_slp(Path("labels/l.slp"), {project / "videos/day1/a.mp4": range(50)}, ["one"])
    assert plan().tracked_videos == {"day1__a"}


def test_tracks_are_evaluated_in_a_copied_project_whose_first_place_is_still_there(project):
    Path("old/videos").mkdir(parents=True)
    Path("videos/a.mp4").rename("old/videos/a.mp4")
    write_slp(Path("labels/l.slp"), {project / "old/videos/a.mp4": range(50)}, ["one"])
    Path("videos/a.mp4").write_bytes(b"another")
    assert plan().tracked_videos == set()
    assert "a.mp4: it is another recording than videos/a.mp4" in "\n".join(plan().warnings)
    shutil.copyfile("old/videos/a.mp4", "videos/a.mp4")
    assert plan().tracked_videos == {"a"}
    assert plan().warnings == []


def test_a_labeled_video_has_the_scale_of_its_recording_not_of_a_namesake(project):
    Path("videos/day2").mkdir()
    Path("videos/day2/b.mp4").write_bytes(b"another")
    write_slp(Path("labels/l.slp"), {"D:/old/day2/b.mp4": range(3), "/gone/a.mp4": range(3)}, [])
    assert scales_of_labels(plan(), VideosConfig(pixels_per_mm=5)) == 5
    Path("config").mkdir(exist_ok=True)
    Path("config/recordings.tsv").write_text("recording\tpixels_per_mm\nday1\t2\nday2\t3\na.mp4\t4\n")
    assert scales_of_labels(plan(), VideosConfig()) == {"b.mp4": 3.0, "a.mp4": 4.0}
    write_slp(Path("labels/l.slp"), {"D:/old/day3/b.mp4": range(3), "D:/old/day2/b.mp4": range(3)}, [])
    assert scales_of_labels(plan(), VideosConfig()) == {}


def test_touched_labels_keep_every_key_and_changed_ones_change_all(project):
    before = plan()
    os.utime("labels/l.slp", ns=(1, 1))
    assert plan() == before
    write_slp(Path("labels/l.slp"), {"a.mp4": range(51)}, ["one"])
    after = plan()
    assert (after.dataset, after.versions, after.release) != (before.dataset, before.versions, before.release)
    assert after.dataset != before.dataset
    assert after.release != before.release


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"labels": {"video_folders": ["elsewhere"]}}, True),
        ({"labels": {"paths": ["labels/l.slp"]}}, True),
        ({"labels": {"include_predictions": True}}, False),
        ({"split": {"seed": 1}}, False),
        ({"models": {"single": {"profile": "single.yaml", "input": {"channels": 3}}}}, False),
        ({"tracking": {"animals": 2}}, True),
    ],
)
def test_the_dataset_depends_on_what_is_labeled_and_how_it_is_divided(project, changes, same):
    assert (plan(**changes).dataset == plan().dataset) is same


def test_a_changed_profile_changes_its_model_and_not_the_dataset(project):
    before = plan()
    changed = plan(models={"single": {"profile": "single.yaml", "head": {"sigma_px": 3}}})
    assert changed.dataset == before.dataset
    assert changed.versions != before.versions
    comment = Path("single.yaml").read_text() + "  # where the animals are"
    Path("single.yaml").write_text(comment)
    assert plan() == before


def test_without_labels_there_is_no_release(project):
    Path("labels/l.slp").unlink()
    assert plan().release is None


def test_given_models_need_no_labels(project):
    Path("labels/l.slp").unlink()
    with pytest.raises(ConfigError, match=r"a model folder must hold config\.yaml, got trained"):
        plan(release={"single": "trained"})
    write_model("trained", "single_instance")
    found = plan(release={"single": "trained"})
    assert (found.dataset, found.models) == (None, {"single": Path("trained")})
    assert found.release is not None


def write_model(folder, kind, nodes=("nose", "tail")):
    """A model folder, as far as it is looked at without Keras."""
    Path(folder).mkdir()
    (Path(folder) / "config.yaml").write_text(f"kind: {kind}")
    write_json({"nodes": nodes}, Path(folder) / "skeleton.json")
    (Path(folder) / "model.weights.h5").touch()


def test_given_models_that_do_not_go_together_are_refused_before_anything_runs(project):
    write_model("centroid", "centroid")
    write_model("pose", "centered_instance", ("nose", "ear"))
    with pytest.raises(ModelError, match=r"models must be of one of these sets of kinds: .*got centroid in centroid"):
        plan(release={"centroid": "centroid"})
    with pytest.raises(SkeletonError, match="pose: nodes must be those of centroid, got nose, ear"):
        plan(release={"centroid": "centroid", "pose": "pose"})


def test_names_are_asked_of_given_models_that_tell_animals_apart(project):
    write_model("trained", "single_instance")
    with pytest.raises(ConfigError, match=r"tracking\.identity must be none"):
        plan(release={"single": "trained"}, tracking={"identity": "per_frame"})


BOTH = {"models": {"single": "single.yaml", "parts": "parts.yaml"}}


def test_pipelines_are_planned_side_by_side_and_one_runs_over_the_recordings(project):
    Path("parts.yaml").write_text("kind: bottom_up")
    alone = plan()
    pipelines = {"one": ["single"], "several": ["parts"]}
    found = plan(**BOTH, pipelines=pipelines, release="one")
    assert found.release == found.pipelines["one"].key == alone.release, "what is trained already has the same name"
    assert list(found.models) == ["single", "parts"]
    assert found.folders_of(found.pipelines["several"].key) == {"parts": found.models["parts"]}
    assert plan(**BOTH, pipelines=pipelines, release="several").release == found.pipelines["several"].key


@pytest.mark.parametrize(
    ("pipelines", "message"),
    [
        ({"two": ["single"], "three": ["parts"]}, r"release must be one of pipelines \(two, three\), got one"),
        ({"one": ["single", "parts"]}, r"pipelines\.one must be of one of these sets of kinds"),
        ({"one": ["single"]}, r"pipelines must use every one of models, got none with parts"),
        ({"one": ["single"], "two": ["part"]}, r"pipelines\.two must name models of single, parts, got part"),
        ({}, "at least 1 item"),
        ({"one": ["single"], "two": []}, "at least 1 item"),
    ],
)
def test_pipelines_that_cannot_be_are_refused_before_anything_runs(project, pipelines, message):
    Path("parts.yaml").write_text("kind: bottom_up")
    with pytest.raises((ConfigError, ValidationError), match=message):
        plan(**BOTH, pipelines=pipelines, release="one")


def test_crops_are_turned_where_the_detector_learns_the_same_heading(project):
    def models(**headings):
        for kind in ("centroid", "centered_instance"):
            heading = headings.get(kind)
            Path(f"{kind}.yaml").write_text(f"{{kind: {kind}, input: {{heading: {heading or 'null'}}}}}")
        return {"models": {"centroid": "centroid.yaml", "pose": "centered_instance.yaml"}}

    assert plan(**models(centroid="nose", centered_instance="nose")).models
    assert plan(**models(centroid="nose")).models, "one that is not used"
    fault = (
        "models must have a centroid that learns input.heading where centered_instance turns crops by it: tail, got "
    )
    for detector, told in (("nose", "nose"), (None, "none")):
        with pytest.raises(ConfigError, match=fault + told):
            plan(**models(centroid=detector, centered_instance="tail"))
    found = models(centroid="nose", centered_instance="nose")
    Path("centroid.yaml").write_text("{kind: centroid, input: {heading: nose, anchor: tail}}")
    with pytest.raises(ConfigError, match=r"the same input\.anchor .* from it to nose, got tail and none"):
        plan(**found)


def test_of_several_pipelines_the_release_is_named(project):
    with pytest.raises(ValidationError, match=r"release must be one of pipelines \(one\), got none"):
        plan(pipelines={"one": ["single"]})
    with pytest.raises(ValidationError, match=r"release must be one of pipelines \(none\), got one"):
        plan(release="one")


def test_a_misspelled_setting_of_a_profile_names_the_nearest_right_one(project):
    with pytest.raises(ConfigError, match=r"did you mean 'sigma_px'"):
        plan(models={"single": {"profile": "single.yaml", "head": {"sigma": 3}}})


def test_models_that_make_no_pipeline_are_refused_before_anything_runs(project):
    Path("bottom_up.yaml").write_text("kind: bottom_up")
    with pytest.raises(ConfigError, match=r"sets of kinds: .*got single_instance \+ bottom_up"):
        plan(models={"single": "single.yaml", "parts": "bottom_up.yaml"})


def test_names_are_asked_of_models_that_tell_animals_apart(project):
    with pytest.raises(ConfigError, match=r"tracking\.identity must be none where no model is of a multi_class kind"):
        plan(tracking={"identity": "per_frame"})


def use(release, was=None):
    """Put a release into use, as the rule `promote` does."""
    decision = decide_promotion(release, was, None, 1, PromotionConfig())
    add_to_history(decision, PLACES.history)


def assign(video, release):
    write_json({"id": release}, PLACES.assigned_release(video))


def test_a_recording_is_given_a_release_once(project):
    assert plan().unassigned == ["a", "day1__b"]
    use("0123456789")
    assign("a", "0123456789")
    assert plan().unassigned == ["day1__b"]
    use("9876543210", was="0123456789")
    assert plan().unassigned == ["day1__b"], "others keep theirs"


@pytest.mark.parametrize(("asked", "given"), [(["*"], ["a"]), (["a"], ["a"]), (["day1*"], [])])
def test_a_recording_is_predicted_anew_where_that_is_asked(project, asked, given):
    use("0123456789")
    use("9876543210", was="0123456789")
    assign("a", "0123456789")
    assign("day1__b", "9876543210")
    assert plan(promotion={"repredict": asked}).unassigned == given


def test_a_candidate_is_compared_with_the_release_in_use(project):
    assert plan().incumbent is None
    use("0123456789")
    assert plan().incumbent == "0123456789"
    use(plan().release, was="0123456789")
    assert plan().incumbent == "0123456789", "with which it was compared, so that nothing is done again"

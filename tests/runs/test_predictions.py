"""Which file of predictions is of which recording, for a whole folder."""

from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio

from poseflow.config import Config
from poseflow.core.errors import AmbiguousVideoError, ConfigError
from poseflow.runs.facts import FileFacts
from poseflow.runs.places import PLACES
from poseflow.runs.plan import make_plan


def write_predictions_file(path: Path, *videos: str) -> None:
    skeleton = sio.Skeleton(["nose", "tail"])
    frames = [
        sio.LabeledFrame(
            video=sio.Video(filename=video, open_backend=False),
            frame_idx=3,
            instances=[sio.PredictedInstance.from_numpy(np.ones((2, 2)), skeleton=skeleton)],
        )
        for video in videos
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    own = [frame.video for frame in frames]
    sio.save_slp(sio.Labels(frames, own, [skeleton]), str(path), embed=False, verbose=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three recordings, two of them of one session, and predictions of most and of some that are not there."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp4", "day1/b.mp4", "day1/c.mp4", "d.mp4"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).write_bytes(b"not a video")
    write_predictions_file(tmp_path / "sleap/a.slp", "C:\\lab\\videos\\a.mp4")
    write_predictions_file(tmp_path / "sleap/day1.slp", "/lab/day1/b.mp4", "/lab/day1/c.mp4", "/lab/day1/gone.mp4")
    write_predictions_file(tmp_path / "sleap/old/e.slp", "/lab/e.mp4")
    (tmp_path / "sleap/broken.slp").write_bytes(b"")
    return tmp_path


def plan(**changes):
    return make_plan(Config.model_validate({"predictions": {"from": "sleap"}, **changes}), FileFacts("facts.json"))


def test_each_recording_has_its_file_and_the_rest_is_told(folder):
    made = plan()
    assert {name: (source.file.name, source.number, source.has_video) for name, source in made.sources.items()} == {
        "a": ("a.slp", 0, True),
        "day1__b": ("day1.slp", 0, True),
        "day1__c": ("day1.slp", 1, True),
        "day1.2.gone": ("day1.slp", 2, False),
        "old__e": ("e.slp", 0, False),
    }
    assert made.recordings == {
        "a": ["a"],
        "day1": ["day1__b", "day1__c"],
        "day1.2.gone": ["day1.2.gone"],
        "old__e": ["old__e"],
    }
    assert (made.release, made.unassigned, made.shards["old__e"]) == (None, (), ["0000-of-0001"])
    said = "\n".join(made.warnings)
    assert "broken.slp must be a file of predictions, got an empty one; it is left out" in said
    assert "recordings without predictions are left out: d" in said
    assert "old/e.slp" in said
    assert "tracking.candidates flow is window there" in said


def test_names_stay_when_the_recording_comes_back(folder):
    names = plan().names
    write_predictions_file(folder / "sleap/f.slp", "/lab/f.mp4")
    assert names.items() <= plan().names.items()


def test_two_files_of_one_recording_are_refused(folder):
    write_predictions_file(folder / "sleap/again.slp", "/lab/videos/a.mp4")
    with pytest.raises(
        AmbiguousVideoError, match=r"predictions of a must be in one file.*a\.slp.*again\.slp|again.*a\.slp"
    ):
        plan()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"predictions": {"from": "nowhere"}}, "predictions.from must be a folder"),
        ({"tracking": {"identity": "per_frame"}}, "tracking.identity must be none"),
        ({"release": {"centroid": "somewhere"}}, "predictions.from must stand alone"),
    ],
)
def test_settings_that_ask_for_models_are_refused(folder, changes, words):
    with pytest.raises(ConfigError, match=words):
        plan(**changes)


def test_while_a_file_cannot_be_read_no_recording_is_called_gone(folder):
    table = PLACES.pose_table("day1", "day1__b")
    table.parent.mkdir(parents=True)
    table.touch()
    (folder / "sleap/broken.slp").unlink()
    assert not plan().orphans
    whole = (folder / "sleap/day1.slp").read_bytes()
    (folder / "sleap/day1.slp").write_bytes(whole[:1000])  # just being saved
    made = plan()
    assert "day1__b" not in made.videos and not made.orphans
    (folder / "sleap/day1.slp").unlink()
    assert list(plan().orphans) == [table]

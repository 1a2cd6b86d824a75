"""Speed, nearness and the names' probabilities, on animals whose motion is known."""

import dataclasses
from base64 import b64decode

import numpy as np
import pytest
from fake_results import SKELETON, make_index, make_poses

from poseflow.media.runs import RunLengths
from poseflow.report.motion import draw_motion, read_motion
from poseflow.report.review_items import ListedItem, read_review_items, tabulate_review_items
from poseflow.report.timelines import draw_timeline, read_timeline
from poseflow.tables import PoseSource, Predictions, Tracks, assemble_poses, write_poses


def read_both(tmp_path, poses, frames, bins=10):
    write_poses(poses, tmp_path / "cage.parquet")
    timeline = read_timeline(tmp_path / "cage.parquet", frames / 25)
    return read_motion(tmp_path / "cage.parquet", timeline, bins), timeline


def test_speed_and_distance_are_those_of_the_circles_that_animals_walk(tmp_path):
    poses = make_poses(make_index("cage", 500), [(0, 0, 500), (1, 0, 250)])
    motion, _ = read_both(tmp_path, poses, 500)
    chord = 2 * 150 * np.sin(1 / 80)
    assert (motion.unit, motion.node) == ("mm", "head")
    np.testing.assert_allclose(motion.speed[0], chord * 25 / 2, rtol=1e-3)
    np.testing.assert_allclose(motion.distance[:5], 2 * 150 * np.sin(0.5) / 2, rtol=1e-3)
    assert np.isnan(motion.distance[5:]).all()
    assert np.isnan(motion.speed[1, 5:]).all()
    assert np.isnan(motion.confidence).all()


def test_speed_goes_by_the_recordings_own_times(tmp_path):
    times = RunLengths(first=0, count=100, deltas=((1, 50), (4, 49)))
    index = make_index("cage", 100, timestamps=times, variable_fps=True)
    motion, _ = read_both(tmp_path, make_poses(index, [(0, 0, 100)]), 100)
    chord = 2 * 150 * np.sin(1 / 80) / 2
    np.testing.assert_allclose(motion.speed[0, [0, 4, 6, 9]], chord * 25 / np.array([1, 1, 4, 4]), rtol=1e-3)


def make_named(frames, scores):
    """One animal `anna` in two tracks, one after the other."""
    points = np.repeat(np.arange(frames)[:, None, None] * [2.0, 0.0], 4, axis=1)
    predictions = Predictions.from_instances(SKELETON, np.arange(frames), points)
    track = (np.arange(frames) >= frames // 2).astype(int)
    plain = Tracks.without_identities(np.arange(frames), np.arange(frames), track, track)
    named = dataclasses.replace(
        plain,
        identity_names=("anna",),
        identity_code=np.zeros(frames, np.int16),
        identity_score=np.asarray(scores, np.float32),
    )
    return assemble_poses(predictions, named, make_index("cage", frames), PoseSource("cage", "cage"))


def test_an_animal_with_a_name_is_one_line_whatever_its_tracks(tmp_path):
    motion, timeline = read_both(tmp_path, make_named(100, [1.0] * 50 + [0.5] * 50), 100)
    assert (timeline.names, timeline.tracks, timeline.lines) == (("anna",), 2, 1)
    assert (timeline.presence == 1).all()
    np.testing.assert_allclose(motion.speed[0], 50)
    np.testing.assert_allclose(motion.confidence, [1] * 5 + [0.5] * 5)
    assert draw_motion(motion, timeline).caption.startswith("Probability of the animals' names")


@pytest.mark.parametrize("tracks", [[], [(0, 0, 3)], [(number, 0, 40) for number in range(9)]], ids=len)
def test_any_recording_can_be_drawn(tmp_path, tracks):
    motion, timeline = read_both(tmp_path, make_poses(make_index("cage", 40), tracks), 40)
    assert draw_motion(motion, timeline).wide.startswith("data:image/svg+xml")
    assert "2 links to look at" in draw_timeline(timeline, (), [(3, 10.0), (20, 0.0)]).caption


def test_a_lone_animal_has_no_panel_of_distances(tmp_path):
    motion, timeline = read_both(tmp_path, make_poses(make_index("cage", 40), [(0, 0, 40)]), 40)
    picture = draw_motion(motion, timeline)
    assert "Speed of head, means over a bin" in picture.caption
    panels = b64decode(picture.wide.partition(",")[2]).decode()
    assert "mm/s" in panels and "apart" not in panels


def test_review_items_are_read_by_video_and_the_worst_video_is_first(tmp_path):
    head = "rank,video,frame_idx,time_s,kind,tracks,identities,confidence,frames_affected,expected_errors\n"
    (tmp_path / "r.csv").write_text(f"{head}1,a,7,0.28,crossing,0 1,,0.5,90,45.0\n2,b,9,,new,2,,0.5,4,2.0\n")
    (tmp_path / "s.csv").write_text(f"{head}1,b,3,,jump,2,,0.7,400,120.0\n")
    items = read_review_items([tmp_path / "r.csv", tmp_path / "s.csv"])
    assert items["a"] == [ListedItem(7, "crossing", 45.0)]
    grid = tabulate_review_items(items, {"a": 1000, "b": 1000})
    assert [row[:2] for row in grid.rows] == [["b", "2"], ["a", "1"]]
    assert [row[3] for row in grid.rows] == ["120", "45"], "what two items put at stake may be the same frames"
    assert tabulate_review_items({}, {}) is None

"""Overlays: poses are drawn where they are, whatever the image, and the video plays anywhere."""

import json

import av
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from poseflow.config import RenderConfig
from poseflow.core.errors import ConfigError, TableError
from poseflow.core.skeleton import Skeleton
from poseflow.media import index_video, open_video, write_video
from poseflow.report.overlay import COLORS, draw_poses, render_overlay
from poseflow.report.palette import EDGE, color_nodes

SKELETON = Skeleton.from_names(["nose", "middle", "tail"], [("nose", "middle"), ("middle", "tail")])
SIZE = (160, 240)
NAN = np.nan


def center_of_change(image, drawn):
    change = np.abs(drawn.astype(float) - image).sum(axis=-1)
    y, x = np.mgrid[: change.shape[0], : change.shape[1]]
    return (change * x).sum() / change.sum(), (change * y).sum() / change.sum()


@pytest.mark.parametrize("point", [(50.0, 40.0), (50.5, 40.25), (119.3, 80.7)])
def test_a_point_is_drawn_at_its_place_to_a_fraction_of_a_pixel(point):
    image = np.full((*SIZE, 3), 128, np.uint8)
    poses = np.array([[point, (NAN, NAN), (NAN, NAN)]])
    drawn = draw_poses(image, poses, SKELETON, COLORS[-1:], size=2.0)
    assert center_of_change(image, drawn) == pytest.approx(point, abs=0.15)


def test_an_edge_runs_from_one_point_to_the_other_and_needs_both():
    image = np.zeros((*SIZE, 3), np.uint8)
    both = draw_poses(image, np.array([[(30, 80), (90, 80), (NAN, NAN)]]), SKELETON, COLORS[:1])
    assert (both[80, 30:91] > 0).any(axis=-1).all()
    one = draw_poses(image, np.array([[(30, 80), (NAN, NAN), (150, 80)]]), SKELETON, COLORS[:1])
    assert not one[80, 40:140].any()


@pytest.mark.parametrize("shape", [SIZE, (*SIZE, 1), (*SIZE, 3)])
def test_grey_and_color_images_give_an_rgb_copy(shape):
    image = np.full(shape, 90, np.uint8)
    drawn = draw_poses(image, np.array([[(30, 80), (90, 80), (150, 80)]]), SKELETON, COLORS[:1], ["female"])
    assert drawn.shape == (*SIZE, 3)
    assert (image == 90).all()
    np.testing.assert_array_equal(drawn[80, 90], COLORS[0])
    np.testing.assert_array_equal(drawn[-1, -1], [90, 90, 90])


def test_nothing_is_drawn_of_an_animal_that_was_not_found():
    image = np.full((*SIZE, 3), 90, np.uint8)
    drawn = draw_poses(image, np.full((2, 3, 2), NAN), SKELETON, COLORS[:2], ["a", "b"])
    np.testing.assert_array_equal(drawn, image)


@pytest.mark.parametrize("far", [9000, 1e9, 3e38])
def test_points_far_outside_raise_nothing(far):
    image = np.full((*SIZE, 3), 90, np.uint8)
    poses = np.array([[(-far, 50), (far, 50), (50, -700)], [(-40, -50), (-30, -50), (-20, -30)]], float)
    draw_poses(image, poses, SKELETON, COLORS[:2], ["left of it", "above"])


def test_colors_differ_and_there_is_one_for_each_of_six_animals():
    assert len(set(COLORS)) == len(COLORS) >= 6


@pytest.fixture(scope="module")
def grey_video(tmp_path_factory):
    """30 frames of even grey at 25 frames/s, indexed."""
    path = tmp_path_factory.mktemp("render") / "grey.mp4"
    write_video(path, (np.full((*SIZE, 1), 90, np.uint8) for _ in range(30)), 25)
    return index_video(path)


def make_table(frames=30, identity=None, track=0, y=80.0):
    """An animal that walks to the right by 4 px a frame; its nose is 30 px ahead of its middle."""
    rows = {"frame_idx": np.arange(frames), "track": track, "identity": identity, "instance_score": 0.9}
    for node, ahead in zip(SKELETON.nodes, (30, 0, -30), strict=True):
        rows |= {f"{node}.x": 40.0 + ahead + 4 * np.arange(frames), f"{node}.y": y, f"{node}.score": 0.8}
    table = pd.DataFrame(rows)
    table.attrs["poseflow"] = {"skeleton": SKELETON.model_dump(mode="json")}
    return table


def nearest_color(pixel):
    return int(np.argmin(np.linalg.norm(np.array(COLORS) - pixel, axis=1)))


def read_frames(path):
    index = index_video(path)
    with open_video(index) as video:
        return [image for _, image in video.read(0, index.frames, 3)]


@pytest.mark.slow
def test_the_overlay_is_a_video_that_browsers_play(grey_video, tmp_path):
    assert render_overlay(grey_video, make_table(), tmp_path / "overlay.mp4") == 30
    with av.open(str(tmp_path / "overlay.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 25
        assert sum(1 for _ in container.decode(stream)) == 30


def test_each_pose_is_on_its_own_frame(grey_video, tmp_path):
    config = RenderConfig(trail_frames=0, crf=5)
    render_overlay(grey_video, make_table(identity="female"), tmp_path / "overlay.mp4", config)
    for frame_idx, image in enumerate(read_frames(tmp_path / "overlay.mp4")):
        changed = np.flatnonzero((np.abs(image[78:83].astype(int) - 90) > 40).any(axis=(0, 2)))
        nose, tail = 70 + 4 * frame_idx, 10 + 4 * frame_idx
        assert changed.min() == pytest.approx(tail, abs=5)
        assert changed.max() == pytest.approx(min(nose, SIZE[1] - 1), abs=5)


@pytest.mark.slow
def test_a_scaled_overlay_is_drawn_at_the_scaled_place(grey_video, tmp_path):
    config = RenderConfig(trail_frames=0, crf=5, scale=2.0)
    render_overlay(grey_video, make_table(frames=1), tmp_path / "overlay.mp4", config)
    image = read_frames(tmp_path / "overlay.mp4")[0]
    assert image.shape == (2 * SIZE[0], 2 * SIZE[1], 3)
    row = np.abs(image[2 * 80].astype(int) - 90).max(axis=-1)
    assert np.flatnonzero(row > 40).min() == pytest.approx(2 * 10, abs=6)
    assert np.flatnonzero(row > 40).max() == pytest.approx(2 * 70, abs=6)


@pytest.mark.slow
def test_a_trail_shows_where_the_animal_was_and_fades(grey_video, tmp_path):
    """It follows the node in the middle; none is drawn across a long absence."""
    table = make_table()
    for name, frames in (("whole", table), ("gap", table[(table["frame_idx"] < 8) | (table["frame_idx"] > 18)])):
        render_overlay(grey_video, frames, tmp_path / f"{name}.mp4", RenderConfig(trail_frames=25, crf=5))
    whole, gap = read_frames(tmp_path / "whole.mp4")[29], read_frames(tmp_path / "gap.mp4")[29]
    change = np.abs(whole.astype(int) - 90).max(axis=-1)
    assert change[79:82, 80:110].max() > 20  # frames 10 to 17
    assert change[79:82, 60:80].max() < change[79:82, 90:110].max()
    assert change[79:82, 10:50].max() < 20  # more than 25 frames ago
    assert np.abs(gap[79:82, 76:108].astype(int) - 90).max() < 20


def drawn_frames(monkeypatch, index, table, **settings):
    """Frames of an overlay as they are before they are compressed."""
    frames = []
    monkeypatch.setattr("poseflow.report.overlay.write_video", lambda _, images, *__, **___: frames.extend(images))
    render_overlay(index, table, "none.mp4", RenderConfig(**settings))
    return frames


def test_nodes_have_colors_of_their_own_where_these_are_wanted(grey_video, monkeypatch):
    """The same in both animals; edges between them are grey."""
    table = pd.concat([make_table(y=50.0), make_table(track=1, y=120.0)], ignore_index=True)
    table.attrs = make_table().attrs
    image = drawn_frames(monkeypatch, grey_video, table, color_by="node", trail_frames=0)[5]
    for y in (50, 120):
        for x, color in zip((90, 60, 30), color_nodes(3), strict=True):
            np.testing.assert_array_equal(image[y, x], color)
        np.testing.assert_allclose(image[y, 75], EDGE, atol=20)


def test_names_of_animals_can_be_left_out(grey_video, monkeypatch):
    named, bare = (
        drawn_frames(monkeypatch, grey_video, make_table(identity="female"), names=names, max_frames=1)[0]
        for names in (True, False)
    )
    changed = (named != bare).any(axis=-1)
    assert changed[40:80].any()
    assert not changed[:40].any() and not changed[80:].any()


@pytest.mark.parametrize(
    ("color_by", "colors"), [("animal", COLORS[:2]), ("node", color_nodes(3))], ids=["animals", "nodes"]
)
def test_the_legend_has_a_dot_of_each_color_in_order(grey_video, monkeypatch, color_by, colors):
    table = pd.concat([make_table(identity="a", y=20.0), make_table(identity="b", track=1, y=30.0)], ignore_index=True)
    table.attrs = make_table().attrs
    settings = {"color_by": color_by, "trail_frames": 0, "max_frames": 1, "scale": 4.0}
    with_legend = drawn_frames(monkeypatch, grey_video, table, legend=True, **settings)[0]
    without = drawn_frames(monkeypatch, grey_video, table, **settings)[0]
    height, width = with_legend.shape[:2]
    y, x = np.nonzero((with_legend != without).any(axis=-1))
    assert x.min() == 0 and y.max() == height - 1
    assert x.max() < width / 2 and y.min() > height / 2
    rows = [np.flatnonzero((with_legend[y.min() :, : x.max()] == color).all(axis=-1).any(axis=1)) for color in colors]
    assert all(len(row) for row in rows)
    assert [row.mean() for row in rows] == sorted(row.mean() for row in rows)


def test_a_legend_of_many_names_stays_in_the_image(grey_video, monkeypatch):
    many = Skeleton.from_names([f"node {number}" for number in range(60)], [])
    columns = {f"{node}.{axis}": [5.0] for node in many.nodes for axis in "xy"}
    table = pd.DataFrame({"frame_idx": [0], "track": [0], **columns})
    table.attrs["poseflow"] = {"skeleton": many.model_dump(mode="json")}
    image = drawn_frames(monkeypatch, grey_video, table, color_by="node", legend=True, max_frames=1)[0]
    assert image.shape == (*SIZE, 3)


def test_a_trail_follows_the_node_that_is_named(grey_video, monkeypatch):
    table = make_table()
    for node, y in zip(SKELETON.nodes, (40.0, 80.0, 120.0), strict=True):
        table[f"{node}.y"] = y
    image = drawn_frames(monkeypatch, grey_video, table, trail_node="tail", names=False)[29]
    behind = {y: np.ptp(image[y, 60:90]) > 20 for y in (40, 80, 120)}  # where all nodes have been
    assert behind == {40: False, 80: False, 120: True}
    with pytest.raises(ConfigError, match="trail_node must be one of nose, middle, tail, got paw"):
        drawn_frames(monkeypatch, grey_video, table, trail_node="paw")


@pytest.mark.slow
def test_an_identity_keeps_its_color_over_its_tracks(grey_video, tmp_path):
    """Two tracks of the same animal, one after the other; beside them another animal all the time."""
    female = make_table(identity="female", y=50.0)
    female.loc[female["frame_idx"] >= 15, "track"] = 7
    male = make_table(identity="male", track=1, y=120.0)
    table = pd.concat([female, male], ignore_index=True)
    table.attrs = female.attrs
    render_overlay(grey_video, table, tmp_path / "overlay.mp4", RenderConfig(trail_frames=0, crf=1))
    frames = read_frames(tmp_path / "overlay.mp4")
    for frame_idx in (3, 27):
        x = 40 + 4 * frame_idx
        assert nearest_color(frames[frame_idx][50, x]) == 0
        assert nearest_color(frames[frame_idx][120, x]) == 1


def test_tracks_without_identity_have_colors_too(grey_video, tmp_path):
    one, other = make_table(track=3, y=50.0), make_table(track=12, y=120.0)
    table = pd.concat([one, other], ignore_index=True).drop(columns="identity")
    config = RenderConfig(trail_frames=0, crf=1, max_frames=3)
    assert render_overlay(grey_video, table, tmp_path / "overlay.mp4", config, SKELETON) == 3
    image = read_frames(tmp_path / "overlay.mp4")[1]
    assert (nearest_color(image[50, 44]), nearest_color(image[120, 44])) == (0, 1)


@pytest.mark.slow
def test_missing_points_and_empty_frames_are_left_out(grey_video, tmp_path):
    table = make_table()[5:20]
    table.loc[table["frame_idx"] > 8, ["nose.x", "nose.y"]] = NAN
    table.loc[table["frame_idx"] > 12, ["middle.x", "middle.y", "tail.x", "tail.y"]] = NAN
    render_overlay(grey_video, table, tmp_path / "overlay.mp4", RenderConfig(trail_frames=0, crf=5))
    changed = [np.abs(image[40:].astype(int) - 90).max() > 40 for image in read_frames(tmp_path / "overlay.mp4")]
    assert changed == [False] * 5 + [True] * 8 + [False] * 17


def test_a_table_without_rows_gives_the_plain_video(grey_video, tmp_path):
    assert render_overlay(grey_video, make_table()[:0], tmp_path / "overlay.mp4", None, SKELETON) == 30


def test_data_frame_arrow_table_and_file_give_the_same_overlay(grey_video, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("poseflow.report.overlay.write_video", lambda _, frames, *__, **___: drawn.append(list(frames)))
    frame = make_table(identity="female")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({"poseflow": json.dumps(frame.attrs["poseflow"])})
    pq.write_table(table, tmp_path / "poses.parquet")
    for poses in (frame, table, tmp_path / "poses.parquet"):
        render_overlay(grey_video, poses, tmp_path / "overlay.mp4", RenderConfig(max_frames=10))
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(drawn[0], drawn[2])


def test_a_table_that_cannot_be_drawn_is_refused(grey_video, tmp_path):
    with pytest.raises(TableError, match=r"must have the columns nose\.x"):
        render_overlay(grey_video, make_table().drop(columns="nose.x"), tmp_path / "a.mp4", None, SKELETON)
    bare = make_table()
    bare.attrs = {}
    with pytest.raises(TableError, match="must have its skeleton in its metadata"):
        render_overlay(grey_video, bare, tmp_path / "a.mp4")
    (tmp_path / "bad.parquet").write_bytes(b"no table")
    with pytest.raises(TableError, match=r"bad\.parquet must be a pose table"):
        render_overlay(grey_video, tmp_path / "bad.parquet", tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()

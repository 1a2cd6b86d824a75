"""An animal has one color, and its name is drawn as people write it."""

from dataclasses import replace

import numpy as np
import pytest

from poseflow.config import RenderConfig
from poseflow.core.skeleton import Skeleton
from poseflow.media import index_video, write_video
from poseflow.report.lettering import measure_text, spell_out, write_text
from poseflow.report.motion import read_motion
from poseflow.report.overlay import render_overlay
from poseflow.report.palette import COLORS, UNNAMED, color_animals, hex_of
from poseflow.report.timelines import read_timeline
from poseflow.tables import PoseSource, Predictions, Tracks, assemble_poses, write_poses

FRAMES, SIZE = 12, (120, 160)
HEIGHTS = (30.0, 60.0, 90.0)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("palette") / "grey.mp4"
    write_video(path, (np.full((*SIZE, 1), 90, np.uint8) for _ in range(FRAMES)), 25)
    return index_video(path)


def write_table(index, path, names=(), codes=(-1, -1, -1), first=(0, 0, 0)):
    """Three animals, one above the other, each from its first frame on."""
    rows = sorted((frame, animal) for animal in range(3) for frame in range(first[animal], FRAMES))
    frame_idx, animal = np.array(rows).T
    points = np.stack([np.full(len(rows), 80.0), np.array(HEIGHTS)[animal]], -1)[:, None]
    predictions = Predictions.from_instances(Skeleton(nodes=("nose",)), frame_idx, points, frames=[(0, FRAMES)])
    tracks = Tracks.without_identities(np.arange(len(rows)), frame_idx, animal, animal)
    code = np.array(codes, np.int16)[animal]
    score = np.where(code < 0, np.float32(np.nan), np.float32(1))
    tracks = replace(tracks, identity_code=code, identity_score=score, identity_names=tuple(names))
    write_poses(assemble_poses(predictions, tracks, index, PoseSource("a", "a")), path)


def drawn_colors(index, path, monkeypatch, frames):
    """Color of each animal in the overlay's last frame."""
    drawn = []
    monkeypatch.setattr("poseflow.report.overlay.write_video", lambda _, images, *__, **___: drawn.extend(images))
    render_overlay(index, path, "overlay.mp4", RenderConfig(trail_frames=0, max_frames=frames))
    return [tuple(drawn[-1][round(y), 80].tolist()) for y in HEIGHTS]


@pytest.mark.parametrize(
    ("names", "codes"),
    [((), (-1, -1, -1)), (("zoe", "anna", "bert"), (0, 1, 2)), (("zoe", "anna", "bert", "carl"), (2, -1, 0))],
    ids=["tracks", "named", "one without a name"],
)
def test_an_animal_has_one_color_in_overlay_report_and_figures(index, tmp_path, monkeypatch, names, codes):
    path = tmp_path / "a.parquet"
    write_table(index, path, names, codes)
    overlay = drawn_colors(index, path, monkeypatch, FRAMES)
    timeline = read_timeline(path, FRAMES / 25)
    motion = read_motion(path, timeline)
    said = dict(zip(timeline.names, timeline.colors, strict=True))
    for animal, code in enumerate(codes):
        name = "no name" if names and code < 0 else names[code] if names else f"track {animal}"
        assert said[name] == hex_of(overlay[animal])
    assert dict(zip(motion.names, motion.colors, strict=True)).items() <= said.items()
    assert len(set(overlay)) == 3


def test_the_part_that_is_drawn_changes_no_color(index, tmp_path, monkeypatch):
    write_table(index, tmp_path / "a.parquet", first=(8, 0, 0))
    whole = drawn_colors(index, tmp_path / "a.parquet", monkeypatch, FRAMES)
    part = drawn_colors(index, tmp_path / "a.parquet", monkeypatch, 4)
    assert part[1:] == whole[1:]


def test_a_name_keeps_its_color_where_others_are_absent():
    known = ("male", "female", "pup")
    assert color_animals(["pup"], [0], known)["pup"] == color_animals(known, [0, 1, 2], known)["pup"] == COLORS[2]
    assert color_animals(["pup"], [0], known)[0] == UNNAMED
    assert color_animals([], [3, 12]) == {3: COLORS[0], 12: COLORS[1], None: UNNAMED}


@pytest.mark.parametrize("name", ["Zoë", "Фёдор", "Åse Ω", "x_1 $y$", "=?"])
def test_names_are_drawn_as_they_are(name):
    assert spell_out(name) == name
    canvas, other = np.zeros((40, 200, 3), np.uint8), np.zeros((40, 200, 3), np.uint8)
    write_text(canvas, name, (5, 30), (255, 255, 255), 0.6)
    write_text(other, "?" * len(name.encode()), (5, 30), (255, 255, 255), 0.6)
    assert canvas.any()
    assert (canvas != other).any()
    columns = np.flatnonzero(canvas.any(axis=(0, 2)))
    assert columns.max() - 5 == pytest.approx(measure_text(name, 0.6)[0], abs=4)


def test_letters_that_no_font_at_hand_has_are_told_by_number():
    assert spell_out("鼠1\n") == "U+9F201U+000A"


def test_text_beyond_the_image_raises_nothing():
    canvas = np.zeros((20, 20, 3), np.uint8)
    for place in ((-50, 10), (500, 500), (10, -100), (0, 0)):
        write_text(canvas, "female", place, (255, 255, 255), 1.0)

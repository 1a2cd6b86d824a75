"""Splits: fractions, determinism, stability, rules."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sleap_io as sio
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import Config, HoldOut, LabelsConfig, SplitConfig
from poseflow.core.errors import ConfigError, LabelsError
from poseflow.labels import SIDES, FrameKey, frame_key, read_labels, split_labels
from poseflow.labels.split import draw_lot, unit_of

SKELETON = sio.Skeleton(nodes=["a", "b"])


def labels_on(frames: dict[str, list[int]]) -> sio.Labels:
    """Labels without points on frames of videos (or of image folders, where the name has no suffix)."""
    labeled, videos = [], []
    for name, numbers in frames.items():
        video = sio.Video(filename=name, open_backend=False)
        videos.append(video)
        labeled += [sio.LabeledFrame(video=video, frame_idx=number) for number in numbers]
    return sio.Labels(labeled_frames=labeled, videos=videos, skeletons=[SKELETON])


def sides_of(labels: sio.Labels, config: SplitConfig) -> dict[tuple[str, int], str]:
    """The side of each frame, by recording and number."""
    found = {}
    for side, part in split_labels(labels, config).items():
        for frame in part.labeled_frames:
            key = frame_key(frame.video, frame.frame_idx)
            assert (key.video, key.number) not in found
            found[key.video, key.number] = side
    return found


names = st.sampled_from(["a.mp4", "b.mp4", "day 1/ä.mp4", "c.avi"])
frame_sets = st.dictionaries(names, st.lists(st.integers(0, 5000), unique=True, max_size=40), min_size=1)
configs = st.builds(
    SplitConfig,
    by=st.sampled_from(["frame", "block", "video"]),
    block_frames=st.integers(1, 300),
    val_fraction=st.floats(0, 0.45),
    test_fraction=st.floats(0, 0.45),
    seed=st.integers(0, 1000),
)


def lots_of(frames: dict[str, list[int]], config: SplitConfig) -> dict[tuple[str, int], str]:
    """The side of each frame by its lot alone, nothing borrowed."""
    lone = {(name, number): sides_by_lot(name, number, config) for name in frames for number in frames[name]}
    return {(name.rpartition("/")[2], number): side for (name, number), side in lone.items()}


def sides_by_lot(name: str, number: int, config: SplitConfig) -> str:
    lot = draw_lot(*unit_of(FrameKey(name.rpartition("/")[2], number), config), config)
    val = config.test_fraction + config.val_fraction
    return "test" if lot < config.test_fraction else "val" if lot < val else "train"


@pytest.mark.slow
@settings(max_examples=100)
@given(old=frame_sets, new=frame_sets, config=configs)
def test_adding_labels_moves_no_frame_but_to_fill_a_side(old: dict, new: dict, config: SplitConfig) -> None:
    both = {name: sorted({*old.get(name, []), *new.get(name, [])}) for name in [*new, *old]}
    before, after = sides_of(labels_on(old), config), sides_of(labels_on(both), config)
    drawn = lots_of(old, config)
    wanted = {"train"} | ({"val"} if config.val_fraction else set()) | ({"test"} if config.test_fraction else set())
    if wanted <= set(drawn.values()):
        assert before == drawn
        assert {key: after[key] for key in before} == before
    moved = {key for key in before if after[key] != before[key]}
    borrowed = {key for key in before if before[key] != drawn[key] or after[key] != drawn[key]}
    assert moved <= borrowed


@pytest.mark.slow
@settings(max_examples=30)
@given(frames=frame_sets, config=configs)
def test_every_frame_has_one_side_whatever_the_order(frames: dict, config: SplitConfig) -> None:
    backwards = {name: numbers[::-1] for name, numbers in reversed(frames.items())}
    found = sides_of(labels_on(frames), config)
    assert len(found) == sum(map(len, frames.values()))
    assert sides_of(labels_on(backwards), config) == found


def test_the_side_depends_on_the_file_name_not_on_the_folder() -> None:
    config = SplitConfig(by="frame")
    here = sides_of(labels_on({"/data/one/clip.mp4": list(range(200))}), config)
    there = sides_of(labels_on({"C:\\two\\clip.mp4": list(range(200))}), config)
    assert here == there


@pytest.mark.slow
@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    start=st.integers(0, 1000),
    count=st.integers(10, 400),
    val=st.floats(0.05, 0.4),
    test=st.floats(0.05, 0.4),
)
def test_frames_in_a_row_meet_the_fractions(seed: int, start: int, count: int, val: float, test: float) -> None:
    config = SplitConfig(by="frame", seed=seed, val_fraction=val, test_fraction=test)
    found = list(sides_of(labels_on({"a.mp4": list(range(start, start + count))}), config).values())
    for side, fraction in (("val", val), ("test", test)):
        # Only the tenths that a border cuts, and the two groups at the ends, are left to chance.
        chance = 2 + 4 * np.sqrt(2 * count / 10 * 0.25)
        assert abs(found.count(side) - fraction * count) <= chance + 2


@pytest.mark.parametrize("stride", [1, 2, 10, 34, 55, 89, 100, 250])
def test_no_regular_spacing_of_labels_upsets_the_fractions(stride: int) -> None:
    found = list(
        sides_of(labels_on({"a.mp4": list(range(0, 1000 * stride, stride))}), SplitConfig(by="frame")).values()
    )
    assert 60 <= found.count("test") <= 140
    assert 60 <= found.count("val") <= 140


def test_two_thousand_frames_in_blocks_of_a_hundred() -> None:
    found = sides_of(labels_on({"a.mp4": list(range(2000))}), SplitConfig())
    assert [list(found.values()).count(side) for side in SIDES] == [1600, 200, 200]
    for block in range(20):
        assert len({found["a.mp4", block * 100 + frame] for frame in range(100)}) == 1


def test_a_video_stays_whole() -> None:
    found = sides_of(labels_on({f"{n}.mp4": [0, 500, 9000] for n in range(50)}), SplitConfig(by="video"))
    for number in range(50):
        assert len({found[f"{number}.mp4", frame] for frame in (0, 500, 9000)}) == 1
    assert set(found.values()) == set(SIDES)


def test_other_seeds_draw_other_lots() -> None:
    frames = labels_on({"a.mp4": list(range(100))})
    assert sides_of(frames, SplitConfig(by="frame")) != sides_of(frames, SplitConfig(by="frame", seed=1))


def test_the_first_rule_that_fits_comes_before_the_lots() -> None:
    rules = (
        HoldOut(video="clip.mp4", frames=(10, 19), to="none"),
        HoldOut(video="clip*", frames=(0, 99), to="train"),
        HoldOut(video="clip*", to="test"),
        HoldOut(video="day2/*.mp4", to="val"),
    )
    frames = {"day1/clip.mp4": list(range(200)), "x/day2/other.mp4": [1, 2], "day1/other2.mp4": [1]}
    found = sides_of(labels_on(frames), SplitConfig(hold_out=rules))
    assert not [number for name, number in found if name == "clip.mp4" and 10 <= number <= 19]
    assert {found["clip.mp4", number] for number in [*range(10), *range(20, 100)]} == {"train"}
    assert {found["clip.mp4", number] for number in range(100, 200)} == {"test"}
    assert found["other.mp4", 1] == "val"
    assert found["other2.mp4", 1] in SIDES


def test_a_name_with_brackets_is_itself() -> None:
    frames = labels_on({"cage[1].mp4": [1], "a.mp4": [1]})
    found = sides_of(frames, SplitConfig(hold_out=(HoldOut(video="cage[1].mp4"),)))
    assert found == {("cage[1].mp4", 1): "test", ("a.mp4", 1): "train"}


def test_an_image_is_known_by_the_number_in_its_name_not_by_its_place() -> None:
    config = SplitConfig(by="frame")
    few = sio.Video(filename=[f"/x/cage/img{n:04}.png" for n in range(0, 300, 3)], open_backend=False)
    many = sio.Video(filename=[f"/x/cage/img{n:04}.png" for n in range(300)], open_backend=False)
    frames = [sio.LabeledFrame(video=few, frame_idx=place) for place in range(100)]
    before = sides_of(sio.Labels(labeled_frames=frames, videos=[few], skeletons=[SKELETON]), config)
    frames = [sio.LabeledFrame(video=many, frame_idx=place) for place in range(300)]
    after = sides_of(sio.Labels(labeled_frames=frames, videos=[many], skeletons=[SKELETON]), config)
    assert {key: after[key] for key in before} == before
    assert ("cage", 297) in before


@pytest.mark.parametrize(
    "name", ["img{n:04}_cam1.png", "{n}_640x480.png", "2024-03-01_{n}_2.png", "img{n:04}_png.rf.8a7f{n:04x}3b2c9e1.jpg"]
)
def test_of_several_numbers_in_a_name_that_of_the_frame_counts(name: str) -> None:
    plain, named = (
        sio.Video(filename=[f"/x/cage/{form.format(n=n)}" for n in range(0, 6000, 60)], open_backend=False)
        for form in ("img{n:04}.png", name)
    )
    frames = [[sio.LabeledFrame(video=video, frame_idx=place) for place in range(100)] for video in (plain, named)]
    found = [sides_of(sio.Labels(labeled_frames=own, skeletons=[SKELETON]), SplitConfig()) for own in frames]
    assert found[0] == found[1]
    assert set(found[1].values()) == set(SIDES)


@pytest.mark.parametrize("by", ["frame", "block", "video"])
@given(seed=st.integers(0, 500), count=st.integers(3, 12), val=st.floats(0.01, 0.4), test=st.floats(0.01, 0.4))
@settings(max_examples=60)
def test_no_side_is_empty_where_units_suffice(by: str, seed: int, count: int, val: float, test: float) -> None:
    config = SplitConfig(by=by, seed=seed, val_fraction=val, test_fraction=test)
    found = sides_of(labels_on({f"{number}.mp4": [100 * number] for number in range(count)}), config)
    assert set(found.values()) == set(SIDES)


def test_a_deeplabcut_folder_far_apart_fills_all_sides(case: Callable[[str], Path]) -> None:
    folder = case("split_leaves_a_side_empty")
    subprocess.run([sys.executable, "make.py", "far", "25"], cwd=folder, check=True)
    labels = read_labels([folder / "far/labeled-data/cage/CollectedData_me.csv"], LabelsConfig())
    counts = {side: len(part.labeled_frames) for side, part in split_labels(labels, SplitConfig()).items()}
    assert sum(counts.values()) == 12
    assert all(counts.values())


def test_one_block_of_neighbors_is_trained_on_and_a_line_says_what_helps(
    case: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    folder = case("split_leaves_a_side_empty")
    subprocess.run([sys.executable, "make.py", "near", "2"], cwd=folder, check=True)
    labels = read_labels([folder / "near/labeled-data/cage/CollectedData_me.csv"], LabelsConfig())
    counts = [len(part.labeled_frames) for part in split_labels(labels, SplitConfig()).values()]
    assert counts == [12, 0, 0]
    said = "no labeled frame is left for val and test, since all labels are in 1 block; split.by: frame"
    assert said in caplog.text
    assert "split.hold_out" in caplog.text
    assert all(part.labeled_frames for part in split_labels(labels, SplitConfig(by="frame")).values())


def test_a_rule_that_fits_nothing_is_an_error(case: Callable[[str], Path]) -> None:
    folder = case("hold_out_fits_nothing")
    settings = Config.model_validate(yaml.safe_load((folder / "ho.yaml").read_text())).split
    labels = read_labels([folder / "a.slp"], LabelsConfig())
    with pytest.raises(
        ConfigError, match=r"split\.hold_out must fit .*session1\.mp4, session2\.mp4.*got sesion2\*\.mp4"
    ):
        split_labels(labels, settings)


def test_a_rule_for_frames_that_nobody_labeled_is_told(caplog: pytest.LogCaptureFixture) -> None:
    rules = (HoldOut(video="a.mp4", frames=(900, 950)), HoldOut(video="a.mp4", frames=(0, 1)))
    split_labels(labels_on({"a.mp4": [0, 200, 400, 600]}), SplitConfig(hold_out=rules))
    assert "split.hold_out: none of frames 900 to 950 of a.mp4 is labeled" in caplog.text
    assert "0 to 1" not in caplog.text


def test_rules_that_leave_nothing_to_train_on(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(LabelsError, match=r"leave labeled frames to train on, got 3 frames that split\.hold_out gives"):
        split_labels(labels_on({"a.mp4": [1, 2, 3]}), SplitConfig(hold_out=(HoldOut(video="a*"),)))


def test_no_warning_where_a_rule_fills_a_side_or_none_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    config = SplitConfig(
        val_fraction=0, test_fraction=0.1, hold_out=(HoldOut(video="a.mp4", frames=(5, 5), to="test"),)
    )
    split_labels(labels_on({"a.mp4": [5, 300, 700]}), config)
    assert "no labeled frame" not in caplog.text


def test_every_side_has_the_skeleton_and_identities_of_the_whole() -> None:
    labels = labels_on({"a.mp4": [1]})
    labels.tracks = [sio.Track(name="m"), sio.Track(name="f")]
    for part in split_labels(labels, SplitConfig()).values():
        assert part.skeletons[0].node_names == ["a", "b"]
        assert [track.name for track in part.tracks] == ["m", "f"]

"""Frames proposed for labeling, and the label files that go to a person."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import sleap_io as sio
from hypothesis import given, settings
from hypothesis import strategies as st

from poseflow.config import ExtractConfig, LabelsConfig
from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.labels import frame_key, read_labels
from poseflow.media import VideoIndex, index_video, open_video, write_video
from poseflow.suggest.label_file import write_suggestions
from poseflow.suggest.propose import propose_frames
from poseflow.suggest.scores import score_confidence, score_jumps
from poseflow.tables import Predictions

SKELETON = Skeleton.from_names(["nose", "body", "tail"], edges=[("nose", "body")], symmetries=[("nose", "tail")])


def blank_index(frames: int, name: str = "a.mp4") -> VideoIndex:
    """An index of a recording that need not exist."""
    return VideoIndex(path=f"/x/{name}", kind="video", frames=frames, width=64, height=48, channels=1, fps=25.0)


def predict(frame_idx: Sequence[int], xs: Sequence[float], scores: Sequence[float] | None = None) -> Predictions:
    """Predictions of animals along x, three nodes 5 px apart."""
    points = np.zeros((len(frame_idx), 3, 2), np.float32)
    points[:, :, 0] = np.asarray(xs, np.float32)[:, None] + 5 * np.arange(3)
    points[:, :, 1] = 20
    return Predictions.from_instances(SKELETON, frame_idx, points, scores)


@pytest.fixture
def scenes(tmp_path: Path) -> VideoIndex:
    """A color recording of 90 frames in three scenes, of which the second is short (frames 60 to 69)."""
    rng = np.random.default_rng(0)

    def draw(number: int) -> np.ndarray:
        scene = 0 if number < 60 else 1 if number < 70 else 2
        image = rng.integers(90, 100, (48, 64, 3), dtype=np.uint8)
        image[:, scene * 20 : scene * 20 + 20, :2] += 100
        return image

    write_video(tmp_path / "scenes ü.mp4", map(draw, range(90)), fps=25, gop=30, bframes=2)
    return index_video(tmp_path / "scenes ü.mp4")


class TestProposing:
    """`propose_frames`."""

    @settings(max_examples=60)
    @given(
        frames=st.integers(1, 3000),
        labeled=st.sets(st.integers(0, 2999), max_size=30),
        method=st.sampled_from(["stride", "random"]),
        per_video=st.integers(1, 40),
        gap=st.integers(1, 200),
    )
    def test_what_always_holds(self, frames: int, labeled: set, method: str, per_video: int, gap: int) -> None:
        config = ExtractConfig.model_validate(
            {"method": method, "frames_per_video": per_video, "min_gap_frames": gap, "seed": 3}
        )
        chosen = propose_frames(blank_index(frames), config, labeled)
        assert chosen == sorted(set(chosen)) == propose_frames(blank_index(frames), config, labeled)
        assert len(chosen) <= per_video
        assert all(0 <= frame < frames for frame in chosen)
        assert all(b - a >= gap for a, b in pairwise(chosen))
        assert all(abs(frame - other) >= gap for frame in chosen for other in labeled)
        if not labeled and frames >= 2 * per_video * gap:
            assert len(chosen) == per_video

    def test_stride_is_even(self) -> None:
        config = ExtractConfig(method="stride", frames_per_video=4, min_gap_frames=10)
        assert propose_frames(blank_index(1000), config) == [124, 374, 624, 874]
        assert propose_frames(blank_index(1000), config, {370}) == [124, 380, 624, 874]

    def test_random_differs_between_recordings_and_seeds(self) -> None:
        config = ExtractConfig(method="random", frames_per_video=5)
        one = propose_frames(blank_index(10_000), config)
        assert propose_frames(blank_index(10_000, "b.mp4"), config) != one
        assert propose_frames(blank_index(10_000), config.model_copy(update={"seed": 1})) != one

    def test_random_copes_with_a_day_of_frames(self) -> None:
        chosen = propose_frames(blank_index(43_000_000), ExtractConfig(method="random"))
        assert len(chosen) == 20

    @pytest.mark.slow
    def test_diverse_takes_one_of_each_scene(self, scenes: VideoIndex) -> None:
        config = ExtractConfig(method="diverse", frames_per_video=3, min_gap_frames=5)
        chosen = propose_frames(scenes, config)
        assert [sum(a <= frame < b for frame in chosen) for a, b in ((0, 60), (60, 70), (70, 90))] == [1, 1, 1]
        assert propose_frames(scenes, config) == chosen

    @pytest.mark.slow
    def test_diverse_passes_labeled_frames_over(self, scenes: VideoIndex) -> None:
        config = ExtractConfig(method="diverse", frames_per_video=8, min_gap_frames=2)
        labeled = set(range(0, 60))
        assert min(propose_frames(scenes, config, labeled)) > 60

    def test_uncertain_takes_low_scores_and_lost_animals(self) -> None:
        frame_idx = np.repeat(np.arange(100), 2)
        scores = np.full(200, 0.9)
        scores[[2 * 10, 2 * 40 + 1, 2 * 41]] = 0.1, 0.2, 0.3
        keep = np.arange(200) != 2 * 70
        predictions = predict(frame_idx[keep], np.zeros(199), scores[keep])
        config = ExtractConfig(method="uncertain", frames_per_video=3, min_gap_frames=5)
        assert propose_frames(blank_index(100), config, (), predictions) == [10, 40, 70]
        assert propose_frames(blank_index(100), config, {10}, predictions)[1:] == [40, 70]

    def test_jump_takes_the_frame_that_is_out_of_line(self) -> None:
        xs = np.concatenate([np.arange(100.0), 300 + np.arange(100.0)])
        predictions = predict(np.tile(np.arange(100), 2), xs)
        points = predictions.points.copy()
        points[np.flatnonzero(predictions.frame_idx == 30)[0], 2] += 40
        points[np.flatnonzero(predictions.frame_idx == 60)[1]] += 15
        predictions = Predictions.from_instances(SKELETON, predictions.frame_idx, points)
        config = ExtractConfig(method="jump", frames_per_video=2, min_gap_frames=5)
        assert propose_frames(blank_index(100), config, (), predictions) == [30, 60]

    @pytest.mark.parametrize("method", ["uncertain", "jump"])
    def test_methods_that_need_predictions_say_so(self, method: str) -> None:
        config = ExtractConfig.model_validate({"method": method})
        with pytest.raises(ConfigError, match=rf"without predictions, got {method}"):
            propose_frames(blank_index(100), config)
        empty = predict([], [])
        assert propose_frames(blank_index(100), config, (), empty) == []


class TestScores:
    """`score_confidence` and `score_jumps`."""

    def test_confidence_is_the_mean_where_missing_animals_count_zero(self) -> None:
        frames, scores = score_confidence(
            predict([0, 0, 2, 2, 3, 5, 5, 5], np.zeros(8), [1, 0.5, 1, 1, 0.8, 1, 1, 0.1])
        )
        assert frames.tolist() == [0, 2, 3, 5]
        np.testing.assert_allclose(scores, [0.75, 1, 0.4, 0.7], rtol=1e-6)

    def test_a_jump_is_away_from_both_neighbors(self) -> None:
        frames, leaps = score_jumps(predict([0, 1, 2, 3, 4, 5], [0, 3, 50, 9, 40, 43]))
        assert leaps.tolist() == [0, 3, 41, 31, 3, 0]
        assert frames.tolist() == [0, 1, 2, 3, 4, 5]

    def test_no_jump_across_a_gap(self) -> None:
        assert score_jumps(predict([0, 1, 5, 6, 7], [0, 1, 99, 99, 99]))[1].tolist() == [0, 0, 0, 0, 0]

    def test_missing_points_are_no_jump(self) -> None:
        predictions = predict([0, 1, 2], [0, 30, 0])
        predictions.points[1, 0] = np.nan
        assert score_jumps(predictions)[1].tolist() == [0, 30, 0]
        predictions.points[1] = np.nan
        assert score_jumps(predictions)[1].tolist() == [0, 0, 0]

    def test_blocks_do_not_show(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(0)
        frame_idx = np.sort(rng.integers(0, 60, 100))
        predictions = predict(frame_idx, rng.uniform(0, 500, 100))
        whole = score_jumps(predictions)[1]
        for size in (1, 2, 7):
            monkeypatch.setattr("poseflow.suggest.scores.BLOCK_FRAMES", size)
            np.testing.assert_array_equal(score_jumps(predictions)[1], whole)


class TestSuggestions:
    """`write_suggestions`."""

    def test_predictions_are_starting_points(self, scenes: VideoIndex, tmp_path: Path) -> None:
        predictions = predict([4, 4, 30, 65], [10, 40, 12, 14], [0.9, 0.5, 0.7, 0.6])
        write_suggestions(scenes, [4, 65, 80], tmp_path / "s.pkg.slp", predictions)
        labels = sio.load_slp(str(tmp_path / "s.pkg.slp"))
        assert [frame.frame_idx for frame in labels.suggestions] == [4, 65, 80]
        assert [frame.frame_idx for frame in labels.labeled_frames] == [4, 65]
        first, second = labels.labeled_frames[0].instances
        assert type(first) is sio.PredictedInstance
        assert [first.score, second.score] == pytest.approx([0.9, 0.5])
        np.testing.assert_array_equal(second.numpy()[:, 0], [40, 45, 50])
        assert labels.skeleton.edge_names == [("nose", "body")] or labels.skeleton.edge_names == [["nose", "body"]]
        assert len(labels.skeleton.symmetries) == 1
        with open_video(scenes) as video:
            for frame_idx, image in video.read_frames([4, 65, 80], channels=3):
                np.testing.assert_array_equal(labels.videos[0][frame_idx], image)

    def test_without_predictions(self, scenes: VideoIndex, tmp_path: Path) -> None:
        write_suggestions(scenes, [1, 2], tmp_path / "s.pkg.slp", skeleton=SKELETON)
        labels = sio.load_slp(str(tmp_path / "s.pkg.slp"))
        assert labels.skeleton.node_names == list(SKELETON.nodes)
        assert len(labels.suggestions) == 2
        write_suggestions(scenes, [], tmp_path / "none.pkg.slp")
        assert sio.load_slp(str(tmp_path / "none.pkg.slp")).suggestions == []

    def test_a_grey_recording_gives_grey_images(self, tmp_path: Path) -> None:
        images = np.random.default_rng(0).integers(0, 255, (10, 48, 64, 1), dtype=np.uint8)
        write_video(tmp_path / "grey.mp4", images, fps=25)
        index = index_video(tmp_path / "grey.mp4")
        write_suggestions(index, [3], tmp_path / "s.pkg.slp")
        labels = sio.load_slp(str(tmp_path / "s.pkg.slp"))
        with open_video(index) as video:
            np.testing.assert_array_equal(labels.videos[0][3], dict(video.read_frames([3]))[3])

    def test_an_image_folder(self, tmp_path: Path) -> None:
        for number in (8, 9, 10, 11):
            (tmp_path / "cage").mkdir(exist_ok=True)
            cv2.imwrite(str(tmp_path / "cage" / f"frame{number}.png"), np.full((20, 30), number, np.uint8))
        index = index_video(tmp_path / "cage")
        write_suggestions(index, [1, 2], tmp_path / "s.pkg.slp", predict([1, 2], [5, 6]))
        labels = sio.load_slp(str(tmp_path / "s.pkg.slp"))
        assert [int(labels.videos[0][frame.frame_idx][0, 0, 0]) for frame in labels.suggestions] == [9, 10]
        (tmp_path / "away").mkdir()
        (tmp_path / "s.pkg.slp").rename(tmp_path / "away" / "s.pkg.slp")
        back = read_labels([tmp_path / "away" / "s.pkg.slp"], LabelsConfig(include_predictions=True))
        keys = [frame_key(frame.video, frame.frame_idx) for frame in back.labeled_frames]
        assert [(key.video, key.number, key.image) for key in keys] == [
            ("cage", 9, "frame9.png"),
            ("cage", 10, "frame10.png"),
        ]

    def test_what_a_person_labels_in_it_is_read_as_labels(self, scenes: VideoIndex, tmp_path: Path) -> None:
        write_suggestions(scenes, [4, 65], tmp_path / "s.pkg.slp", predict([4, 65], [10, 14]))
        labels = sio.load_slp(str(tmp_path / "s.pkg.slp"))
        frame = labels.labeled_frames[1]
        frame.instances.append(
            sio.Instance.from_numpy(frame.instances[0].numpy() + 1, skeleton=labels.skeleton, from_predicted=frame[0])
        )
        sio.save_slp(labels, str(tmp_path / "labeled.pkg.slp"), embed=None, verbose=False)
        back = read_labels([tmp_path / "labeled.pkg.slp"], LabelsConfig())
        assert [frame.frame_idx for frame in back.labeled_frames] == [65]
        # The recording is beside it and shows the same: its own pixels count.
        assert back.videos[0].filename == scenes.path

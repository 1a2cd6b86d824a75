"""Videos that are written can be read again."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from poseflow.core.errors import VideoError
from poseflow.media import index_video, open_video, write_video


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv444p"])
def test_frames_come_back(channels: int | None, pix_fmt: Any, tmp_path: Path, clips: Any) -> None:
    path = tmp_path / "clip.mp4"
    frames = [clips.draw(number) for number in range(30)]
    shaped = frames if channels is None else [np.repeat(frame[..., None], channels, axis=-1) for frame in frames]
    assert write_video(path, shaped, 30, crf=3, pix_fmt=pix_fmt) == 30
    index = index_video(path)
    assert (index.frames, index.fps, index.color_range, index.pix_fmt) == (30, 30.0, "limited", pix_fmt)
    with open_video(index) as video:
        for idx, image in video.read(0, 30, channels or 1):
            assert image is not None
            assert np.abs(image[..., 0].astype(int) - frames[idx]).mean() < 2


def test_color_comes_back(tmp_path: Path) -> None:
    colors = np.zeros((32, 96, 3), np.uint8)
    for place, color in enumerate([(200, 30, 40), (20, 180, 60), (40, 50, 210)]):
        colors[:, 32 * place : 32 * place + 32] = color
    write_video(tmp_path / "clip.mp4", [colors] * 3, 25, crf=3, pix_fmt="yuv444p")
    with open_video(index_video(tmp_path / "clip.mp4")) as video:
        image = next(video.read(0, 1, channels=3))[1]
    assert image is not None
    assert np.abs(image.astype(int) - colors).mean() < 3


def test_the_same_frames_give_the_same_file(tmp_path: Path, clips: Any) -> None:
    for name in ("one.mp4", "two.mp4"):
        write_video(tmp_path / name, map(clips.draw, range(50)), 25)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_an_odd_size_grows_by_a_repeated_row_and_column(tmp_path: Path, clips: Any) -> None:
    write_video(tmp_path / "clip.mp4", [clips.draw(1)[:47, :95]], 25, crf=3)
    index = index_video(tmp_path / "clip.mp4")
    assert (index.width, index.height) == (96, 48)


def test_keyframes_and_b_frames_are_as_asked(tmp_path: Path, clips: Any) -> None:
    path = tmp_path / "clip.mp4"
    write_video(path, map(clips.draw, range(60)), 29.97, gop=20, bframes=2)
    assert index_video(path).fps == pytest.approx(29.97)
    assert max(np.diff(index_video(path).keyframes.values())) <= 20
    with av.open(str(path)) as container:
        pts = [packet.pts for packet in container.demux(video=0) if packet.size]
    assert pts != sorted(pts)


@pytest.mark.parametrize(
    ("frames", "fps", "message"),
    [
        ([], 25, "frames must be at least one, got none"),
        ([np.zeros((8, 8), np.uint8)], 0, "fps must be positive, got 0"),
        ([np.zeros((8, 8), np.float32)], 25, r"frames must be uint8 .* got float32"),
        ([np.zeros((8, 8, 4), np.uint8)], 25, r"frames must be uint8 .* got uint8 \(8, 8, 4\)"),
        ([np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8)], 25, r"frame 1 must have shape \(8, 8\)"),
    ],
    ids=["none", "fps", "type", "channels", "another size"],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    frames: list[Any], fps: float, message: str, tmp_path: Path
) -> None:
    with pytest.raises(VideoError, match=message):
        write_video(tmp_path / "clip.mp4", frames, fps)
    assert list(tmp_path.iterdir()) == []

"""Brightness and color come out as they went in, whatever the pixel format."""

import struct
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from poseflow.media import index_video, open_video, write_video
from poseflow.media.pixels import _expand, _full_range, color_range_of, image_of

RAMP = np.tile(np.arange(256, dtype=np.uint8), (32, 1))
COLORS = np.stack([RAMP, RAMP[:, ::-1], np.full_like(RAMP, 90)], axis=-1)
FORMATS = "yuv420p yuvj420p yuv422p yuv444p nv12 yuyv422 yuv420p10le p010le yuv444p10msble yuv420p16be rgb24 bgra gbrp"
CASES = [(name, range_) for name in FORMATS.split() for range_ in ("limited", "full")]
CASES.remove(("yuvj420p", "limited"))  # full by its name


@pytest.mark.parametrize(("pix_fmt", "color_range"), CASES)
def test_grey_and_color_survive_any_format(pix_fmt: str, color_range: Any) -> None:
    ffmpeg_range = {"limited": 1, "full": 2}[color_range]
    colors = av.VideoFrame.from_ndarray(COLORS, format="rgb24")
    greys = av.VideoFrame.from_ndarray(np.stack([RAMP] * 3, axis=-1), format="rgb24")
    for source, truth in ((colors, COLORS), (greys, np.stack([RAMP] * 3, axis=-1))):
        frame = source.reformat(format=pix_fmt, src_color_range=2, dst_color_range=ffmpeg_range)
        frame.color_range = ffmpeg_range
        assert color_range_of(frame) == color_range
        rgb = image_of(frame, 3, color_range)
        grey = image_of(frame, 1, color_range)
        assert (rgb.shape, grey.shape, rgb.dtype, grey.dtype) == ((32, 256, 3), (32, 256, 1), np.uint8, np.uint8)
        assert np.abs(rgb.astype(int) - truth)[:, 2:-2].max() <= 5
        assert np.abs(grey[..., 0].astype(int) - cv2.cvtColor(truth, cv2.COLOR_RGB2GRAY)).max() <= 2


@pytest.mark.parametrize("pix_fmt", ["gray", "gray10le", "gray12be", "gray16le"])
def test_grey_formats_are_full_range(pix_fmt: str) -> None:
    frame = av.VideoFrame.from_ndarray(RAMP, format="gray").reformat(format=pix_fmt)
    frame.color_range = 0
    assert color_range_of(frame) == "full"
    assert np.abs(image_of(frame, 1, "full")[..., 0].astype(int) - RAMP).max() <= 1
    np.testing.assert_array_equal(image_of(frame, 3, "full"), np.repeat(image_of(frame, 1, "full"), 3, axis=-1))


def test_the_quick_way_to_full_range_is_the_table() -> None:
    levels = np.arange(256, dtype=np.uint8)
    expected = np.clip(np.rint((levels.astype(float) - 16) * 255 / 219), 0, 255)
    np.testing.assert_array_equal(_full_range(8, "limited"), expected)
    np.testing.assert_array_equal(_expand(levels[None])[0], expected)


def test_a_frame_narrower_than_its_memory_is_cut_right() -> None:
    image = np.random.default_rng(0).integers(0, 256, (10, 38), dtype=np.uint8)
    frame = av.VideoFrame(38, 10, "gray")
    plane = frame.planes[0]
    rows = np.zeros((10, plane.line_size), np.uint8)
    rows[:, :38] = image
    plane.update(rows.tobytes())
    np.testing.assert_array_equal(image_of(frame, 1, "full")[..., 0], image)


@pytest.mark.parametrize("pix_fmt", ["yuvj420p", "yuv420p"])
def test_full_and_limited_range_videos_look_alike(pix_fmt: str, tmp_path: Path, clips: Any) -> None:
    index = index_video(clips.encode(tmp_path / "clip.mp4", frames=3, pix_fmt=pix_fmt, options={"crf": "1"}))
    assert index.color_range == ("full" if pix_fmt == "yuvj420p" else "limited")
    with open_video(index) as video:
        for idx, image in video.read(0, 3):
            assert image is not None
            assert np.abs(image[..., 0].astype(int) - clips.draw(idx)).mean() < 1.5


def test_images_agree_with_opencv(clip: Path) -> None:
    capture = cv2.VideoCapture(str(clip))
    with open_video(index_video(clip)) as video:
        for (_, grey), (_, rgb) in zip(video.read(0, 20), video.read(0, 20, channels=3), strict=True):
            bgr = capture.read()[1]
            assert grey is not None
            assert rgb is not None
            assert np.abs(grey[..., 0].astype(int) - cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)).max() <= 2
            assert np.abs(rgb[..., ::-1].astype(int) - bgr).mean() < 1


MATRICES = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def write_turned(path: Path, matrix: tuple[float, float, float, float], clips: Any) -> Path:
    write_video(path, [clips.draw(5)], 25, crf=5)
    content = bytearray(path.read_bytes())
    place = content.index(b"tkhd") + 44
    a, b, c, d = (round(value * (1 << 16)) for value in matrix)
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("matrix", [(0.7071, 0.7071, -0.7071, 0.7071), (0, 0, 0, 0), (0.9994, 0.0349, -0.0349, 0.9994)])
def test_a_video_that_is_turned_by_no_right_angle_is_left_as_it_is(
    matrix: tuple[float, float, float, float], tmp_path: Path, clips: Any
) -> None:
    index = index_video(write_turned(tmp_path / "tilted.mp4", matrix, clips))
    assert (index.rotation, index.width, index.height) == (0, *clips.size)
    with open_video(index) as video:
        assert clips.number(next(video.read(0, 1))[1]) == 5


@pytest.mark.parametrize("clockwise", MATRICES)
def test_a_turned_video_is_turned_back_as_opencv_does(clockwise: int, tmp_path: Path, clips: Any) -> None:
    path = write_turned(tmp_path / "phone.mp4", MATRICES[clockwise], clips)
    expected = cv2.cvtColor(cv2.VideoCapture(str(path)).read()[1], cv2.COLOR_BGR2GRAY)
    index = index_video(path)
    assert (index.height, index.width) == expected.shape
    assert index.rotation == (360 - clockwise) % 360
    with open_video(index) as video:
        image = next(video.read(0, 1))[1]
    assert image is not None
    assert np.abs(image[..., 0].astype(int) - expected).max() <= 2


@pytest.mark.parametrize("matrix", [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0)])
def test_a_video_to_be_shown_mirrored_says_so(
    matrix: tuple[float, float, float, float], tmp_path: Path, clips: Any
) -> None:
    assert index_video(write_turned(tmp_path / "a.mp4", (0, 1, -1, 0), clips)).problems == ()
    path = write_turned(tmp_path / "selfie.mp4", matrix, clips)
    expected = cv2.cvtColor(cv2.VideoCapture(str(path)).read()[1], cv2.COLOR_BGR2GRAY)
    index = index_video(path)
    assert "is to be shown mirrored" in index.problems[0]
    with open_video(index) as video:
        image = next(video.read(0, 1))[1]
    assert image is not None
    assert np.abs(image[..., 0].astype(int) - expected).max() <= 2


@pytest.mark.parametrize(("scale", "told"), [(16, True), (257, False)])
def test_a_video_of_12_bits_in_16_says_that_it_is_dark(scale: int, told: bool, tmp_path: Path, clips: Any) -> None:
    path = tmp_path / "deep.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *clips.size, "gray16le"
        for number in range(5):
            image = clips.draw(number).astype(np.uint16) * scale
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="gray16le")))
        container.mux(stream.encode(None))
    assert ("is of 16 bits, of which the upper 8 are kept: dark" in str(index_video(path).problems)) == told

"""Decoding on a GPU gives the frames of software, whatever the GPU does; here with one that is made of software."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from av.codec import Codec
from av.codec.hwaccel import HWAccel

from poseflow.core.errors import VideoError
from poseflow.media import VideoIndex, hardware, index_video, open_video
from poseflow.media.hardware import COMPARED_FRAMES, MAX_DECODERS
from poseflow.media.pixels import image_of, separate_colors
from poseflow.media.segments import SegmentDecoder

Image = np.ndarray
OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:bframes=3:b-pyramid=normal"}
CLIPS: dict[str, dict[str, Any]] = {
    "b-frames.mp4": {},
    "b-frames.avi": {},
    "open-gop.mp4": {"options": OPEN_GOP},
    "one-gop.mp4": {"gop": 250},
    "all-intra.mp4": {"gop": 1, "bframes": 0},
    "full-range.mp4": {"pix_fmt": "yuvj420p"},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "keyint=12:open-gop=1:log-level=none"}},
    "vp9.mkv": {"codec": "libvpx-vp9", "bframes": None},
}
RANGES = {"limited": 1, "full": 2}


def has_gpu() -> bool:
    try:
        HWAccel("cuda").create(Codec("h264", "r"))
    except av.FFmpegError:
        return False
    return True


def interleave(frame: av.VideoFrame) -> av.VideoFrame:
    """A yuv420p frame as nv12, by hand; of what else it says only what an image depends on."""
    copy = av.VideoFrame(frame.width, frame.height, "nv12")
    luma, *colors = (np.frombuffer(memoryview(p), np.uint8).reshape(p.height, p.line_size) for p in frame.planes)
    for plane, samples in zip(copy.planes, (luma, np.stack(colors, -1).reshape(len(colors[0]), -1)), strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        width = min(plane.line_size, samples.shape[1])
        rows[:, :width] = samples[:, :width]
        plane.update(rows.tobytes())
    copy.pts, copy.colorspace, copy.color_range = frame.pts, frame.colorspace, frame.color_range
    return copy


class FakeGpu:
    """Decodes in software, and gives frames as FFmpeg copies them from a GPU; or what a test has it give."""

    def __init__(self) -> None:
        self.decoders = 0
        self.frames = 0
        self.opens_again = True
        self.download: Callable[[av.VideoFrame], list[av.VideoFrame]] = lambda frame: [frame.reformat(format="nv12")]

    def wrap(self, decoder: Any) -> Any:
        def decode(packet: av.Packet | None) -> list[av.VideoFrame]:
            given = [copy for frame in decoder.decode(packet) for copy in self.download(frame)]
            self.frames += len(given)
            return given

        return SimpleNamespace(decode=decode, flush_buffers=decoder.flush_buffers, is_on_gpu=True)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    """A GPU that FFmpeg can open."""
    fake = FakeGpu()

    class Decoder(SegmentDecoder):
        def __init__(self, index: VideoIndex, hwaccel: HWAccel | None = None) -> None:
            super().__init__(index)
            self._is_on_gpu = hwaccel is not None
            fake.decoders += self._is_on_gpu

        def _prepare_decoder(self, start: int) -> None:
            if self._is_on_gpu and self._is_tainted and not fake.opens_again:
                raise VideoError("the GPU is gone")
            super()._prepare_decoder(start)
            if self._is_on_gpu and not hasattr(self._decoder, "is_on_gpu"):
                self._decoder = fake.wrap(self._decoder)

    monkeypatch.setattr(hardware, "SegmentDecoder", Decoder)
    monkeypatch.setattr(hardware, "HWAccel", lambda *_, **__: SimpleNamespace(create=lambda codec: None))
    return fake


def read_all(index: VideoIndex, channels: int = 1, **settings: Any) -> list[Image | None]:
    with open_video(index, **settings) as video:
        return [image for _, image in video.read(0, index.frames, channels)]


def assert_same(found: list[Image | None], expected: list[Image | None]) -> None:
    assert len(found) == len(expected)
    for number, (image, known) in enumerate(zip(found, expected, strict=True)):
        assert (image is None) == (known is None), number
        assert image is None or np.array_equal(image, known), number


@pytest.mark.parametrize("color_range", RANGES)
@pytest.mark.parametrize(("width", "height"), [(64, 48), (65, 49), (63, 64), (96, 31), (2, 2)])
def test_what_a_gpu_hands_over_has_the_pixels_of_software(width: int, height: int, color_range: Any) -> None:
    random = np.random.default_rng(width)
    for pix_fmt in ("yuv420p", "yuvj420p") if color_range == "full" else ("yuv420p",):
        for colorspace in (1, 2, 4, 5, 6, 7, 9):
            for stored in (0, RANGES[color_range]):
                frame = av.VideoFrame(width, height, pix_fmt)
                for plane in frame.planes:
                    plane.update(random.integers(0, 256, plane.buffer_size, np.uint8).tobytes())
                frame.colorspace, frame.color_range = colorspace, stored
                same = separate_colors(interleave(frame), color_range)
                for channels in (1, 3):
                    expected = image_of(frame, channels, color_range)
                    np.testing.assert_array_equal(image_of(same, channels, color_range), expected)


@pytest.mark.parametrize("name", CLIPS)
def test_frames_are_those_of_software(name: str, gpu: FakeGpu, tmp_path: Path, clips: Any, caplog: Any) -> None:
    index = index_video(clips.encode(tmp_path / name, **CLIPS[name]))
    for channels in (1, 3):
        expected = read_all(index, channels, threads=1)
        for threads in (1, 3):
            assert_same(read_all(index, channels, threads=threads, on_gpu=True), expected)
        with open_video(index, threads=2, on_gpu=True) as video:
            for wanted in ([99, 0, 65, 12, 11], [70], [3, 4]):
                some = dict(video.read_frames(wanted, channels))
                assert_same(list(some.values()), [expected[idx] for idx in sorted(wanted)])
    assert gpu.frames > 0
    assert not caplog.messages


def test_frames_of_a_real_recording_are_those_of_software(gpu: FakeGpu, real_data: Path, caplog: Any) -> None:
    index = index_video(real_data / "courtship" / "courtship_part1.mp4")
    for settings in ({"channels": 1}, {"channels": 3}):
        with open_video(index) as known, open_video(index, on_gpu=True) as video:
            for (idx, image), (_, other) in zip(
                video.read(230, 520, **settings), known.read(230, 520, **settings), strict=True
            ):
                assert image is not None
                assert np.array_equal(image, other), idx
    assert gpu.frames >= 290
    assert not caplog.messages


def test_a_gpu_has_few_decoders_and_they_are_the_first_to_be_used(gpu: FakeGpu, clip: Path) -> None:
    index = index_video(clip)
    with open_video(index, threads=3, on_gpu=True) as video:
        for _ in range(3):
            assert all(image is not None for _, image in video.read(0, 150))
        assert gpu.decoders == MAX_DECODERS
        before = gpu.frames
        list(video.read(0, 5))
        assert gpu.frames > before


def lose_device(after: int) -> Callable[[av.VideoFrame], list[av.VideoFrame]]:
    """A download that fails for good after so many frames."""
    left = after

    def download(frame: av.VideoFrame) -> list[av.VideoFrame]:
        nonlocal left
        left -= 1
        if left < 0:
            raise av.FFmpegError(5, "the GPU has fallen off the bus")
        return [frame.reformat(format="nv12")]

    return download


def lose_frame(frame: av.VideoFrame) -> list[av.VideoFrame]:
    return [] if frame.pts == 20 else [frame.reformat(format="nv12")]


def change_color(frame: av.VideoFrame) -> list[av.VideoFrame]:
    copy = frame.reformat(format="nv12")
    if frame.pts == 20:
        color = np.frombuffer(memoryview(copy.planes[1]), np.uint8).copy()
        color[5] ^= 32
        copy.planes[1].update(color.tobytes())
    return [copy]


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("download", "said"),
    [
        (lambda: lose_device(0), "must give frame"),
        (lambda: lose_device(20), "must give frame"),
        (lambda: lose_device(COMPARED_FRAMES + 30), "must give frame"),
        (lambda: lose_frame, "must give frame 20, which software has, got none"),
        (lambda: change_color, "must give frame 20 as software does, got another"),
    ],
    ids=["at-once", "soon", "late", "lost-frame", "changed-color"],
)
def test_a_gpu_that_fails_costs_no_frame_and_is_told_of_once(
    download: Any, said: str, threads: int, gpu: FakeGpu, clip: Path, caplog: Any
) -> None:
    index = index_video(clip)
    expected = read_all(index, threads=1)
    gpu.download = download()
    assert_same(read_all(index, threads=threads, on_gpu=True), expected)
    (line,) = caplog.messages
    assert str(clip) in line
    assert "decoded in software" in line
    assert said in line


def spoil(damage: Any, clip: Path, folder: Path, packets: range) -> tuple[VideoIndex, list[Image | None]]:
    """A clip in which one of these packets is damaged so that software finds it, and what software has of it.

    In some packets half a packet of zeros shows nothing, and which they are is for the encoder to say.
    """
    for packet in packets:
        index = index_video(damage(clip, folder / f"spoilt{packet}.mp4", packet))
        images = read_all(index, threads=1)
        if any(image is None for image in images):
            return index, images
    raise AssertionError(f"no damage is found in packets {packets}")


def test_damage_costs_the_same_frames_and_leaves_the_gpu_in_use(
    gpu: FakeGpu, clip: Path, damage: Any, tmp_path: Path, caplog: Any
) -> None:
    index, expected = spoil(damage, clip, tmp_path, range(75, 90))
    assert_same(read_all(index, threads=1, on_gpu=True), expected)
    assert not caplog.messages


def test_a_gpu_that_is_gone_after_damage_is_told_of_once(
    gpu: FakeGpu, clip: Path, damage: Any, tmp_path: Path, caplog: Any
) -> None:
    index, expected = spoil(damage, clip, tmp_path, range(30, 45))
    gpu.opens_again = False
    assert_same(read_all(index, threads=1, on_gpu=True), expected)
    (line,) = caplog.messages
    assert line.endswith("got: the GPU is gone")


def test_a_gpu_that_patches_up_damage_is_not_believed(
    gpu: FakeGpu, clip: Path, damage: Any, tmp_path: Path, caplog: Any
) -> None:
    index, expected = spoil(damage, clip, tmp_path, range(30, 45))
    gpu.download = lambda frame: [interleave(frame)]  # which does not hand on that a frame is corrupt
    assert_same(read_all(index, threads=1, on_gpu=True), expected)
    (line,) = caplog.messages
    assert "as software does" in line


def test_without_a_gpu_frames_come_from_software_and_one_line_says_so(clip: Path, caplog: Any) -> None:
    index = index_video(clip)
    assert_same(read_all(index, threads=3, on_gpu=True), read_all(index, threads=1))
    if not has_gpu():
        (line,) = caplog.messages
        assert line.startswith(f"{clip}: frames are decoded in software: an NVIDIA GPU and its driver must be there")
        assert caplog.records[0].levelno == logging.WARNING


def test_a_gpu_that_opens_no_decoder_is_told_of_once(clip: Path, monkeypatch: Any, caplog: Any) -> None:
    """By FFmpeg's own way, which asks for the device anew with each decoder."""
    monkeypatch.setattr(hardware, "_find_obstacle", lambda index: None)
    index = index_video(clip)
    assert_same(read_all(index, threads=3, on_gpu=True), read_all(index, threads=1))
    if not has_gpu():
        (line,) = caplog.messages
        assert "the GPU must open a decoder of it, got:" in line


@pytest.mark.parametrize(
    ("name", "settings", "got"),
    [
        ("mpeg4.avi", {"codec": "mpeg4"}, "got mpeg4 in yuv420p"),
        ("deep.mkv", {"pix_fmt": "yuv420p10le"}, "got h264 in yuv420p10le"),
        ("fine.mkv", {"pix_fmt": "yuv444p"}, "got h264 in yuv444p"),
    ],
)
def test_what_a_gpu_decodes_otherwise_or_not_at_all_is_left_to_software(
    name: str, settings: Any, got: str, gpu: FakeGpu, tmp_path: Path, clips: Any, caplog: Any
) -> None:
    index = index_video(clips.encode(tmp_path / name, frames=30, **settings))
    assert_same(read_all(index, on_gpu=True), read_all(index))
    assert gpu.decoders == 0
    (line,) = caplog.messages
    assert "must be H.264, HEVC or VP9, of 8 bits in 4:2:0" in line
    assert got in line


def test_a_device_reaches_the_decoder_through_all_that_opens_files(tmp_path: Path, clips: Any) -> None:
    """FFV1 has no decoder on a GPU: PyAV then takes the one of software."""
    path = clips.encode(tmp_path / "a.mkv", codec="ffv1", bframes=None, pix_fmt="gray", frames=5)
    decoder = SegmentDecoder(index_video(path), HWAccel("cuda", allow_software_fallback=True))
    assert [idx for idx, frame in decoder.decode(0, 5) if frame is not None] == list(range(5))
    decoder.close()


def test_recordings_that_are_no_video_files_are_read_as_ever(tmp_path: Path) -> None:
    import cv2

    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((8, 8), 9 * number, np.uint8))
    index = index_video(tmp_path)
    assert_same(read_all(index, on_gpu=True), read_all(index))

"""What an index says of a recording, without decoding it."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poseflow.core.errors import VideoError
from poseflow.media import VideoIndex, estimate_frames, index_video, open_video, read_index, write_index
from poseflow.media.index import measure_rate
from poseflow.media.runs import RunLengths


def test_an_index_tells_what_the_file_is(clip: Path) -> None:
    index = index_video(clip)
    assert index.model_dump(exclude={"timestamps", "keyframes", "time_base"}) == VideoIndex(
        path=str(clip),
        kind="video",
        frames=150,
        width=96,
        height=48,
        channels=3,
        codec="h264",
        pix_fmt="yuv420p",
        color_range="limited",
        fps=25.0,
        size_bytes=clip.stat().st_size,
    ).model_dump(exclude={"timestamps", "keyframes", "time_base"})
    assert index.keyframes.values().tolist() == list(range(0, 150, 12))
    np.testing.assert_allclose(index.time_s(), np.arange(150) / 25, rtol=0, atol=1e-12)
    assert index.duration_s == pytest.approx(149 / 25)
    assert estimate_frames(clip) == 150


def test_an_index_survives_its_file(clip: Path, tmp_path: Path) -> None:
    index = index_video(clip)
    write_index(index, tmp_path / "clip.json")
    assert read_index(tmp_path / "clip.json") == index
    assert (tmp_path / "clip.json").stat().st_size < 2000


def test_a_file_that_is_no_index_is_named(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    for text in ("{", "{}", '{"path": 3}'):
        path.write_text(text)
        with pytest.raises(VideoError, match=r"other\.json must be a video index"):
            read_index(path)
    with pytest.raises(VideoError, match=r"gone\.json must be a video index"):
        read_index(tmp_path / "gone.json")


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_variable_frame_rate_is_seen_and_its_times_are_kept(suffix: str, tmp_path: Path, clips: Any) -> None:
    pts = np.cumsum(np.resize([40, 33, 47, 40, 80], 60)) - 40
    index = index_video(clips.encode(tmp_path / f"vfr{suffix}", frames=60, pts=pts.tolist()))
    assert index.variable_fps
    assert index.fps == pytest.approx(25, rel=0.02)
    np.testing.assert_allclose(index.time_s(), pts / 1000, atol=1e-9)
    np.testing.assert_allclose(index.time_s(np.array([[59, 0], [7, 7]])), pts[[[59, 0], [7, 7]]] / 1000, atol=1e-9)


@pytest.mark.parametrize("suffix", [".ts", ".flv"])
def test_time_begins_with_the_first_frame(suffix: str, tmp_path: Path, clips: Any) -> None:
    index = index_video(clips.encode(tmp_path / f"late{suffix}", frames=30))
    assert index.start > 0
    np.testing.assert_allclose(index.time_s(), np.arange(30) / 25, atol=1e-9)


@pytest.mark.slow
def test_indexing_decodes_only_a_few_frames(tmp_path: Path, clips: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.encode(tmp_path / "clip.mp4", frames=400, gop=50)
    decoded = []
    from poseflow.media.segments import _ReorderBuffer

    take = _ReorderBuffer.take
    monkeypatch.setattr(
        _ReorderBuffer, "take", lambda buffer, frame: (decoded.append(frame.pts), take(buffer, frame))[1]
    )
    assert index_video(path).frames == 400
    assert 0 < len(decoded) < 30


@given(st.integers(1, 1000), st.integers(2, 50), st.sampled_from([(1, 25), (1, 1000), (1001, 30000)]))
def test_a_constant_rate_is_constant(step: int, frames: int, time_base: tuple[int, int]) -> None:
    fps, variable = measure_rate(np.arange(frames) * step + 7, time_base)
    assert not variable
    assert fps == pytest.approx(time_base[1] / time_base[0] / step)


@pytest.mark.parametrize("true_fps", [29.97, 59.94, 30, 23.976])
def test_rounding_to_milliseconds_is_no_variation(true_fps: float) -> None:
    fps, variable = measure_rate(np.round(np.arange(5000) * 1000 / true_fps).astype(int), (1, 1000))
    assert not variable
    assert fps == pytest.approx(true_fps, rel=1e-4)


def test_one_dropped_frame_is_a_variation_and_leaves_the_median() -> None:
    assert measure_rate(np.delete(np.arange(100), 50) * 40, (1, 1000)) == (25.0, True)


def test_a_recording_without_timestamps_has_no_times() -> None:
    index = VideoIndex(path="x", kind="image_folder", frames=3)
    assert np.isnan(index.time_s()).tolist() == [True] * 3
    assert np.isnan(index.time_s([1]))


def test_a_file_with_sound_is_a_video(clip: Path, tmp_path: Path, clips: Any) -> None:
    path = tmp_path / "sound.mkv"
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        sound: Any = target.add_stream("aac", rate=8000)
        copy = target.add_stream_from_template(stream)
        for number in range(40):
            noise = np.random.default_rng(number).normal(size=(1, 1024)).astype(np.float32)
            frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 8000, number * 1024
            target.mux(sound.encode(frame))
        for packet in source.demux(stream):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    index = index_video(path)
    assert (index.frames, index.codec) == (150, "h264")
    with open_video(index) as video:
        assert [clips.number(image) for _, image in video.read(60, 70)] == list(range(60, 70))


def test_of_several_video_streams_the_first_is_read_and_the_others_are_told(
    clip: Path, tmp_path: Path, clips: Any
) -> None:
    other, still = clips.encode(tmp_path / "b.mp4", frames=30), clips.encode(tmp_path / "c.mp4", frames=1)
    for sources, frames, problem in (
        ((clip, other), 150, "holds 2 video streams, of which the first is read and no other"),
        ((other, clip), 30, "holds 2 video streams, of which the first is read and no other"),
        ((still, clip), 150, ""),  # a camera's preview
    ):
        with av.open(str(tmp_path / "two.mp4"), "w") as target, ExitStack() as stack:
            opened = [stack.enter_context(av.open(str(source))) for source in sources]
            copies = [target.add_stream_from_template(source.streams.video[0]) for source in opened]
            for source, copy in zip(opened, copies, strict=True):
                for packet in source.demux(video=0):
                    if packet.size:
                        packet.stream = copy
                        target.mux(packet)
        index = index_video(tmp_path / "two.mp4")
        assert (index.frames, "".join(index.problems)) == (frames, problem)
        with open_video(index) as video:
            assert [clips.number(image) for _, image in video.read(0, frames)] == list(range(frames))


def test_hidden_pictures_of_vp8_are_no_frames(tmp_path: Path, clips: Any) -> None:
    path = clips.encode(tmp_path / "clip.webm", "libvpx", frames=30, bframes=None)
    with av.open(str(path)) as container:
        packet = bytes([packet for packet in container.demux(video=0) if packet.size][7])
    content = path.read_bytes()
    path.write_bytes(content.replace(packet, bytes([packet[0] & ~0x10]) + packet[1:]))
    index = index_video(path)
    assert index.frames == 29
    with open_video(index) as video:
        numbers = [clips.number(image) for _, image in video.read(0, 29)]
    assert numbers == [number for number in range(30) if number != 7]


def test_days_of_frames_make_a_short_index() -> None:
    frames = 2_160_000
    index = VideoIndex(
        path="day.mp4",
        kind="video",
        frames=frames,
        time_base=(1, 12800),
        timestamps=RunLengths.of(np.arange(frames) * 512),
        keyframes=RunLengths.of(np.arange(0, frames, 250)),
    )
    assert len(index.model_dump_json()) < 1000
    assert index.time_s(frames - 1) == pytest.approx((frames - 1) / 25)

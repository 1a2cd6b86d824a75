"""Every frame under its own number, with the pixels of one decoding from the first packet on: any threads, any cut."""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from poseflow.media import VideoIndex, index_video, open_video
from poseflow.media.pixels import Image, image_of

FRAMES = 140  # three segments
WHOLE, THIRDS, ODD = (0, FRAMES), (0, 37, 101, FRAMES), (0, 64, 65, 127, FRAMES)
READINGS = ((1, THIRDS), (2, ODD), (16, WHOLE), (16, ODD))
"""Threads and cuts: each of either, and the most threads with the fewest and the most cuts."""


def x264(params: str, **settings: Any) -> dict[str, Any]:
    return {"options": {"x264-params": params}, **settings}


def x265(params: str, **settings: Any) -> dict[str, Any]:
    return {"codec": "libx265", "options": {"x265-params": f"{params}:log-level=none:pools=none"}, **settings}


def mpeg4(flags: str = "", **settings: Any) -> dict[str, Any]:
    return {"codec": "mpeg4", "options": {"flags": flags} if flags else {}, **settings}


def plain(codec: str, pix_fmt: str = "yuv420p", **options: str) -> dict[str, Any]:
    return {"codec": codec, "pix_fmt": pix_fmt, "bframes": None, "options": options}


CLIPS: dict[str, dict[str, Any]] = {
    "high-temporal-open-gop.mp4": x264("direct=temporal:keyint=12:bframes=4:b-pyramid=normal:open-gop=1"),
    "baseline.flv": x264("cabac=0:keyint=12:bframes=0:8x8dct=0:weightp=0:slices=3"),
    "interlaced-open-gop.ts": x264("tff=1:keyint=12:bframes=3:open-gop=1"),
    "intra-refresh.mkv": x264("intra-refresh=1:keyint=20:bframes=2"),
    "high-422-10-bit.mkv": {"pix_fmt": "yuv422p10le"},
    "high-444-lossless.mp4": {"pix_fmt": "yuv444p", "options": {"qp": "0"}},
    "rgb.mkv": {"codec": "libx264rgb", "pix_fmt": "rgb24"},
    "no-times.h264": x264("open-gop=1:keyint=12:bframes=3:b-pyramid=strict"),
    "hevc-open-gop.mkv": x265("keyint=12:open-gop=1:bframes=6"),
    "hevc-radl-10-bit.mp4": x265("keyint=12:open-gop=0:radl=2:bframes=3", pix_fmt="yuv420p10le"),
    "vp8-alt-ref.webm": plain("libvpx", **{"auto-alt-ref": "1", "lag-in-frames": "10", "cpu-used": "8"}),
    "vp9-alt-ref.webm": plain("libvpx-vp9", **{"auto-alt-ref": "6", "lag-in-frames": "16", "cpu-used": "8"}),
    "av1.mp4": plain("libsvtav1", **{"preset": "12", "svtav1-params": "lp=1"}),
    "mpeg4.mp4": mpeg4("+qpel+mv4"),
    "mpeg4-interlaced.avi": mpeg4("+ildct+ilme"),
    "mpeg4-low-delay.ts": mpeg4(bframes=0),
    "mpeg2-interlaced.ts": {"codec": "mpeg2video", "options": {"flags": "+ildct+ilme"}},
    "mpeg2-422.mkv": {"codec": "mpeg2video", "pix_fmt": "yuv422p"},
    "mpeg1.mpg": {"codec": "mpeg1video"},
    "mjpeg.avi": plain("mjpeg", "yuvj422p", huffman="optimal"),
    "ffv1.mkv": plain("ffv1", level="3", context="1"),
    "ffvhuff.avi": plain("ffvhuff", context="1"),
    "prores.mov": plain("prores_ks", "yuv422p10le"),
    "wmv2.asf": {"codec": "wmv2", "bframes": 0},
    "flv1.flv": {"codec": "flv", "bframes": 0},
    "palette.mov": plain("qtrle", "gray"),
}


def decode_in_one(path: Path, index: VideoIndex, channels: int, frames: int = FRAMES) -> list[Image]:
    """The first images by one decoder with one thread, from the first packet on."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"strict": "1"}
        frames_read = islice(container.decode(stream), frames)
        return [image_of(frame, channels, index.color_range) for frame in frames_read]


def assert_read_as_in_one(path: Path, clips: Any = None, channels: int = 1) -> None:
    index = index_video(path)
    assert (index.status, index.frames) == ("ok", FRAMES)
    expected = decode_in_one(path, index, channels)
    assert len(expected) == FRAMES
    if clips is not None:
        assert [clips.number(image) for image in expected] == list(range(FRAMES))
    for threads, cut in READINGS:
        for start, stop in pairwise(cut):
            with open_video(index, threads) as video:
                read = list(video.read(start, stop, channels))
            assert [idx for idx, _ in read] == list(range(start, stop))
            for idx, image in read:
                np.testing.assert_array_equal(image, expected[idx], f"frame {idx} of {start}-{stop}, {threads=}")


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIPS)
def test_threads_and_cuts_give_what_one_decoding_gives(name: str, tmp_path: Path, clips: Any) -> None:
    assert_read_as_in_one(clips.encode(tmp_path / name, frames=FRAMES, **CLIPS[name]), clips)


def rewrite(source: Path, target: Path, change: Callable[[int, bytes], bytes]) -> Path:
    """Copy a video, its packets changed."""
    with av.open(str(source)) as container, av.open(str(target), "w") as copy:
        stream = copy.add_stream_from_template(container.streams.video[0])
        stored = (packet for packet in container.demux(video=0) if packet.size)
        for ordinal, packet in enumerate(stored):
            changed = av.Packet(change(ordinal, bytes(packet)))
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, stream
            copy.mux(changed)
    return target


@pytest.mark.slow
@pytest.mark.parametrize("name", ["luma.mkv", "color.mp4"])
def test_quirks_of_an_old_x264_are_known_from_the_first_packet(name: str, tmp_path: Path, clips: Any) -> None:
    """Builds before 151 predicted lossless blocks otherwise; the pixels differ, and no decoder complains."""
    pix_fmt = "yuv420p" if name == "luma.mkv" else "yuv444p"
    whole = clips.encode(
        tmp_path / f"new_{name}", frames=FRAMES, pix_fmt=pix_fmt, options={"qp": "0", "x264-params": "cabac=0"}
    )

    def make_old(ordinal: int, packet: bytes) -> bytes:
        return re.sub(rb"x264 - core \d{3}", b"x264 - core 142", packet)

    path = rewrite(whole, tmp_path / name, make_old)
    assert_read_as_in_one(path, channels=3)
    index = index_video(path)
    new, old = decode_in_one(whole, index, channels=3), decode_in_one(path, index, channels=3)
    assert not np.array_equal(new[-1], old[-1])


@pytest.mark.slow
def test_an_encoder_named_in_the_middle_of_a_joined_recording_is_known_from_there_on(
    tmp_path: Path, clips: Any
) -> None:
    options = {"qp": "0", "x264-params": "cabac=0:keyint=12"}
    part = clips.encode(tmp_path / "part.mkv", frames=FRAMES // 2, options=options)
    path = tmp_path / "joined.mkv"
    with av.open(str(part)) as container, av.open(str(path), "w") as copy:
        template = container.streams.video[0]
        stream = copy.add_stream_from_template(template)
        packets = [packet for packet in container.demux(template) if packet.size]
        for build, shift in ((b"150", 0), (b"164", round(FRAMES // 2 * Fraction(1, 25) / template.time_base))):
            for packet in packets:
                changed = av.Packet(re.sub(rb"x264 - core \d{3}", b"x264 - core " + build, bytes(packet)))
                changed.pts, changed.dts, changed.time_base = packet.pts + shift, packet.dts + shift, packet.time_base
                changed.is_keyframe, changed.stream = packet.is_keyframe, stream
                copy.mux(changed)
    assert index_video(path).other_encoders.values().tolist() == [FRAMES // 2]
    assert_read_as_in_one(path, channels=3)


@pytest.mark.slow
def test_xvid_is_known_from_the_first_packet(tmp_path: Path, clips: Any) -> None:
    whole = clips.encode(tmp_path / "whole.avi", codec="mpeg4", frames=FRAMES, options={"flags": "+qpel+mv4"})

    def name_encoder(ordinal: int, packet: bytes) -> bytes:
        return re.sub(rb"Lavc[\d.]{9}", b"XviD0046X" if ordinal == 0 else b"X" * 9, packet)

    assert_read_as_in_one(rewrite(whole, tmp_path / "xvid.avi", name_encoder), clips)


def packed(packets: list[bytes]) -> Iterator[bytes]:
    """As DivX put MPEG-4 into AVI: each B-frame one packet earlier, and after the last one a packet for nothing."""
    start, nothing = b"\x00\x00\x01\xb6", b"\x00\x00\x01\xb6\x51\x00\x00"
    is_b_frame = [packet[packet.index(start) + 4] >> 6 == 2 for packet in packets]
    moved = [packet if is_b else nothing for packet, is_b in zip(packets, is_b_frame, strict=True)]
    for packet, is_b, ahead in zip(packets, is_b_frame, [*moved[1:], nothing], strict=True):
        named = re.sub(rb"Lavc[\d.]{9}", b"DivX503b1393p", packet)
        yield ahead if is_b else named + ahead * (ahead != nothing)


@pytest.mark.slow
@pytest.mark.parametrize("bframes", [1, 2])
def test_packed_b_frames_keep_their_numbers(bframes: int, tmp_path: Path, clips: Any) -> None:
    whole = clips.encode(tmp_path / "whole.avi", codec="mpeg4", frames=FRAMES, bframes=bframes)
    with av.open(str(whole)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        contents = list(packed([bytes(packet) for packet in packets]))
        with av.open(str(tmp_path / "packed.avi"), "w") as copy:
            stream = copy.add_stream_from_template(container.streams.video[0])
            for ordinal, (packet, content) in enumerate(zip(packets, contents, strict=True)):
                changed = av.Packet(content)
                changed.pts = changed.dts = ordinal
                changed.time_base, changed.is_keyframe, changed.stream = Fraction(1, 25), packet.is_keyframe, stream
                copy.mux(changed)
    assert_read_as_in_one(tmp_path / "packed.avi", clips)


@pytest.mark.slow
@pytest.mark.parametrize(("codec", "suffix"), [("libx264", ".mp4"), ("libx264", ".ts"), ("mpeg4", ".mov")])
def test_times_that_were_made_up_in_order_of_storage_are_not_believed(
    codec: str, suffix: str, tmp_path: Path, clips: Any
) -> None:
    """As when B-frames are copied from an AVI, which has no times, into another container."""
    whole = clips.encode(tmp_path / f"whole{suffix}", codec=codec, frames=FRAMES)
    path = tmp_path / f"copied{suffix}"
    with av.open(str(whole)) as container, av.open(str(path), "w") as copy:
        stream = copy.add_stream_from_template(container.streams.video[0])
        for ordinal, packet in enumerate(packet for packet in container.demux(video=0) if packet.size):
            packet.pts = packet.dts = ordinal
            packet.time_base, packet.stream = Fraction(1, 25), stream
            copy.mux(packet)
    index = index_video(path)
    assert "has no reliable timestamps" in index.problems[0]
    np.testing.assert_allclose(index.time_s(), np.arange(FRAMES) / 25, atol=1e-9)
    assert_read_as_in_one(path, clips)


@pytest.mark.slow
def test_a_codec_whose_keyframes_are_none_is_decoded_from_the_start(tmp_path: Path) -> None:
    """RPZA repaints what has changed, and each of its frames is called a keyframe."""
    path = tmp_path / "still.mov"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("rpza", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 48, "rgb555le"
        for number in range(FRAMES):
            image = np.full((48, 96), 90, np.uint8)
            image[20:30, number // 3 : number // 3 + 12] = 200
            frame = av.VideoFrame.from_ndarray(image, format="gray").reformat(format="rgb555le")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "does not start afresh at its keyframes" in " ".join(index_video(path).problems)
    assert_read_as_in_one(path, channels=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mpeg4.mp4", "hevc-open-gop.mkv"])
def test_a_file_that_calls_every_packet_a_keyframe_is_decoded_from_the_start(
    name: str, tmp_path: Path, clips: Any
) -> None:
    whole = clips.encode(tmp_path / name, frames=FRAMES, **CLIPS[name])
    path = tmp_path / f"flags_{name}"
    with av.open(str(whole)) as container, av.open(str(path), "w") as copy:
        stream = copy.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                packet.is_keyframe, packet.stream = True, stream
                copy.mux(packet)
    assert "does not start afresh at its keyframes" in " ".join(index_video(path).problems)
    assert_read_as_in_one(path, clips)


def test_a_real_recording_of_an_old_x264_is_whole(case: Callable[[str], Path], real_data: Path) -> None:
    case("decoder_444_two_threads")
    path = real_data / "mouse_openfield" / "videos" / "m3v1mp4.mp4"
    index = index_video(path)
    expected = [hash(image.tobytes()) for image in decode_in_one(path, index, 1, frames=560)]
    for threads, (start, stop) in ((1, (450, 560)), (2, (0, 560)), (4, (150, 460))):
        with open_video(index, threads) as video:
            read = [image is not None and hash(image.tobytes()) for _, image in video.read(start, stop)]
        assert read == expected[start:stop]

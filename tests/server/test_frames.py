"""Every frame that the page is given is its own number: as a still, and by packets that are decoded again."""

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numbered_clips import encode, read_number
from served_project import FRAMES, Answer, Browser

from poseflow.media import VideoIndex, index_video
from poseflow.server.errors import RefusedError
from poseflow.server.frames.packets import STAMP_US, PacketRuns
from poseflow.server.frames.stills import Stills

OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:bframes=3:b-pyramid=normal"}
CLIPS: dict[str, dict[str, Any]] = {
    "b-frames.mp4": {},
    "b-frames.mkv": {},
    "b-frames.ts": {},
    "b-frames.flv": {},
    "b-frames.avi": {},
    "open-gop.mp4": {"options": OPEN_GOP},
    "short-gop.mp4": {"gop": 3},
    "one-gop.mp4": {"gop": 250},
    "intra-refresh.mp4": {"options": {"x264-params": "intra-refresh=1:keyint=12:bframes=0"}},
    "variable.mp4": {"pts": np.cumsum(np.resize([40, 33, 47, 40, 80], 100)).tolist()},
    "variable.mkv": {"pts": np.cumsum(np.resize([40, 33, 47, 40, 80], 100)).tolist()},
    "full-color.mp4": {"pix_fmt": "yuv444p"},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "keyint=12:open-gop=1:log-level=none"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8"}, "bframes": None},
    "mpeg4.avi": {"codec": "mpeg4"},
    "mjpeg.avi": {"codec": "mjpeg", "bframes": None, "pix_fmt": "yuvj420p"},
}
NO_PACKETS = ("mpeg4.avi", "mjpeg.avi")


def decode(jpeg: bytes) -> int | None:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return read_number(image[..., None])


def decode_packets(answer: Answer, name: str) -> dict[int, int | None]:
    """Number by frame of a run of packets, as a browser's decoder would: by what the answer says alone."""
    head, arrays = answer.blocks
    decoder = av.CodecContext.create(name, "r")
    decoder.thread_count = 1
    if head["description"]:
        decoder.extradata = base64.b64decode(head["description"])
    found: dict[int, int | None] = {}
    data = arrays["data"].tobytes()
    packets: list[av.Packet | None] = []
    for stamp, start, size in zip(arrays["timestamp"], arrays["start"], arrays["size"], strict=True):
        packet = av.Packet(data[start : start + size])
        packet.pts = int(stamp)
        packets.append(packet)
    for packet in [*packets, None]:
        for frame in decoder.decode(packet):
            number = frame.pts / STAMP_US
            if head["from_frame"] <= number < head["to_frame"]:
                grey = frame.to_ndarray(format="gray")[..., None]
                found[int(number)] = read_number(np.where(grey > 127, np.uint8(255), np.uint8(0)))
    return found


QUICK = ("open-gop.mp4", "variable.mkv", "mpeg4.avi")


@pytest.mark.parametrize("name", [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in CLIPS])
def test_stills_and_packets_show_their_own_numbers(name: str, tmp_path: Path) -> None:
    index = index_video(encode(tmp_path / name, **CLIPS[name]))
    stills, runs = Stills(), PacketRuns()
    for frame in (0, 50, 49, 51, 99, 0, 98, 12):
        assert decode(stills.encode("a", index, frame, "full")) == frame
    shown: dict[int, int | None] = {}
    for frame in (70, 0, 99):
        if name in NO_PACKETS:
            with pytest.raises(RefusedError) as refused:
                runs.read("a", name, index, frame)
            assert refused.value.error == "stills_only"
            continue
        own = decode_packets(Answer(200, {}, runs.read("a", name, index, frame)), codec_of(index))
        assert frame in own
        shown |= own
    if name not in NO_PACKETS:
        assert shown == {frame: frame for frame in range(100)}
    stills.close()
    runs.close()


def codec_of(index: VideoIndex) -> str:
    return {"h264": "h264", "hevc": "hevc", "vp9": "vp9"}[index.codec or ""]


def test_runs_follow_each_other_without_gap(browser: Browser) -> None:
    frame: int | None = 0
    covered: list[int] = []
    while frame is not None:
        head, arrays = browser.get(f"/api/videos/clip/packets?frame={frame}").blocks
        covered += range(head["from_frame"], head["to_frame"])
        assert arrays["key"][0] == 1
        assert head["codec"].startswith("avc1.") and (head["width"], head["height"]) == (96, 48)
        assert head["previous"] == (head["from_frame"] - 1 if head["from_frame"] else None)
        frame = head["next"]
    assert covered == list(range(FRAMES))


def test_stills_are_kept_for_good_under_the_videos_fingerprint_alone(browser: Browser) -> None:
    fingerprint = browser.get("/api/recordings/clip").json["videos"][0]["fingerprint"]
    known = browser.get(f"/api/videos/clip/still?frame=7&v={fingerprint}")
    assert decode(known.body) == 7
    assert "immutable" in known.headers["cache-control"] and known.headers["frame-index"] == "7"
    for other in ("", "&v=0", "&v="):
        assert browser.get(f"/api/videos/clip/still?frame=7{other}").headers["cache-control"] == "no-store"


def test_half_size_is_half(browser: Browser) -> None:
    def size_of(size: str) -> tuple[int, ...]:
        body = browser.get(f"/api/videos/clip/still?frame=3&size={size}").body
        return cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED).shape[:2]

    assert (size_of("full"), size_of("half"), size_of("thumb")) == ((48, 96), (24, 48), (48, 96))


@pytest.mark.parametrize("query", ["frame=150", "frame=-1", "frame=99999999999"])
def test_a_frame_that_there_is_not_is_said_so(browser: Browser, query: str) -> None:
    for kind in ("still", "packets"):
        assert browser.get(f"/api/videos/clip/{kind}?{query}").json["error"] == "unknown"


@pytest.mark.parametrize("query", ["", "frame=", "frame=x", "frame=1e3", "frame=1&size=huge", "frame=٣"])
def test_a_senseless_query_is_said_so(browser: Browser, query: str) -> None:
    from urllib.parse import quote

    answer = browser.get(f"/api/videos/clip/still?{quote(query, safe='=&')}")
    assert (answer.status, answer.json["error"]) == (422, "invalid")


def test_a_damaged_frame_has_no_still_and_its_run_no_packets(tmp_path: Path) -> None:
    source = encode(tmp_path / "whole.mp4", bframes=0)
    with av.open(str(source)) as container:
        packet = bytes([packet for packet in container.demux(video=0) if packet.size][70])
    content = bytearray(source.read_bytes())
    end = content.index(packet) + len(packet)
    content[end - len(packet) // 2 : end] = bytes(len(packet) // 2)
    (tmp_path / "spoiled.mp4").write_bytes(content)
    index = index_video(tmp_path / "spoiled.mp4")
    stills, runs = Stills(), PacketRuns()
    with pytest.raises(RefusedError) as refused:
        stills.encode("a", index, 70, "full")
    assert (refused.value.status, refused.value.error) == (422, "undecodable")
    assert decode(stills.encode("a", index, 69, "full")) == 69
    with pytest.raises(RefusedError, match="damaged"):
        runs.read("a", "spoiled", index, 5, frozenset([70, 71]))  # as a run has found them
    stills.close()
    runs.close()


def test_many_threads_get_their_own_frames_from_few_readers(tmp_path: Path) -> None:
    indexes = {str(number): index_video(encode(tmp_path / f"{number}.mp4", frames=60)) for number in range(4)}
    stills = Stills(most_open=2, most_bytes=20 * 96 * 48)
    wanted = [(key, frame) for frame in np.random.default_rng(0).permutation(60)[:40].tolist() for key in indexes]
    with ThreadPoolExecutor(8) as threads:
        numbers = [*threads.map(lambda one: decode(stills.encode(one[0], indexes[one[0]], one[1], "full")), wanted)]
    assert numbers == [frame for _, frame in wanted]
    assert stills.kept_bytes <= 20 * 96 * 48
    stills.close()


def test_a_video_that_is_gone_is_said_so(project: Path, browser: Browser) -> None:
    away = (project / "videos/clip.mp4").rename(project / "clip.mp4")
    try:
        assert browser.get("/api/videos/clip/still?frame=0").json["error"] == "gone"
    finally:
        away.rename(project / "videos/clip.mp4")
    assert browser.get("/api/videos/clip/still?frame=0").status == 200

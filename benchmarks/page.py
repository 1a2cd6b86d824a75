"""The page's loads: a recording of 43 million rows, a list of 2,000 recordings, frames of a long recording.

    python benchmarks/page.py [--rows 43000000] [--recordings 2000] [--frames 3000] [--day 2592000]

Each figure is the time that a request took, by HTTP on loopback, in the order in which somebody would ask; the median
of several where it says so. What it makes lies in a temporary folder.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path

import av
import cv2
import numpy as np
import yaml

from poseflow.core.skeleton import Skeleton
from poseflow.media import index_video, write_index, write_video
from poseflow.media.runs import RunLengths
from poseflow.runs.places import PLACES
from poseflow.runs.recordings import name_shards
from poseflow.server.app import build_app
from poseflow.server.listen import listen_on_port, make_server
from poseflow.server.page import Page
from poseflow.server.project import Project
from poseflow.server.security import Keys
from poseflow.tables import (
    PoseSource,
    Predictions,
    Tracks,
    TracksWriter,
    assemble_poses,
    write_poses,
    write_predictions,
)

TOKEN = "benchmark-token-benchmark-token"
ANIMALS, SHARD_FRAMES = 4, 20_000
NODES = tuple(f"node {number}" for number in range(12))
SKELETON = Skeleton(nodes=NODES, edges=tuple((a, a + 1) for a in range(11)))


class Asker:
    """A browser on a server in a thread."""

    def __init__(self, page: Page) -> None:
        listener = listen_on_port("127.0.0.1", 0, TOKEN, True)
        self._port = listener.socket.getsockname()[1]
        self._server = make_server(build_app(page, Keys(TOKEN)))
        thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener.socket]}, daemon=True)
        thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self._line = HTTPConnection("127.0.0.1", self._port, timeout=600)

    def ask(self, path: str) -> tuple[int, bytes, float]:
        """Status, body and seconds."""
        begin = time.perf_counter()
        self._line.request("GET", path, headers={"authorization": f"token {TOKEN}"})
        answer = self._line.getresponse()
        body = answer.read()
        return answer.status, body, time.perf_counter() - begin

    def close(self) -> None:
        self._line.close()
        self._server.should_exit = True


def tell(what: str, seconds: float, more: str = "") -> None:
    print(f"{what:<50} {1000 * seconds:9.1f} ms  {more}", flush=True)


def measure(asker: Asker, what: str, path: Callable[[int], str], times: int = 15) -> None:
    """Median and worst of some requests."""
    took, size = [], 0
    begin = time.process_time()
    for number in range(times):
        status, body, seconds = asker.ask(path(number))
        assert status == 200, body[:300]
        took.append(seconds)
        size = len(body)
    cpu = (time.process_time() - begin) / times
    more = f"worst {1000 * max(took):.0f} ms, {1000 * cpu:.1f} ms of CPU on average, {size / 1000:.0f} kB"
    tell(what, statistics.median(took), more)


def write_long(rows: int) -> int:
    """Predictions and tracks of four animals in a recording of so many rows; gives its frames."""
    frames = rows // ANIMALS
    names = name_shards(frames, SHARD_FRAMES)
    step = np.round(np.cumsum(np.random.default_rng(0).normal(0, 2, (SHARD_FRAMES, ANIMALS, 2)), axis=0)) % 900
    shape = np.stack([np.arange(12) * 5.0, np.zeros(12)], axis=1)
    points = (step[:, :, None] + shape).reshape(-1, 12, 2).astype(np.float32)
    score = np.tile(np.linspace(0.9, 0.6, ANIMALS), SHARD_FRAMES)
    with TracksWriter(PLACES.tracks("cage"), ("A", "B", "C", "D"), {}) as tracks:
        for number, name in enumerate(names):
            start, stop = number * frames // len(names), (number + 1) * frames // len(names)
            count = (stop - start) * ANIMALS
            frame = np.repeat(np.arange(start, stop), ANIMALS)
            note = {"release": "r", "video": "cage"}
            found = Predictions.from_instances(SKELETON, frame, points[:count], score[:count], [(start, stop)], note)
            write_predictions(found, PLACES.shard("cage", name))
            animal = np.tile(np.arange(ANIMALS), stop - start).astype(np.int32)
            row = np.arange(count) + start * ANIMALS
            tracklet = (frame // 5000 * ANIMALS + animal).astype(np.int32)
            code = np.where(frame // 5000 % 9 == 0, -1, animal).astype(np.int16)
            certain = np.where(code < 0, np.nan, 0.99).astype(np.float32)
            tracks.append("cage", Tracks(row, frame, tracklet, animal, code, certain, ("A", "B", "C", "D")))
        tracks.close()
    return frames


def measure_long(rows: int) -> None:
    """Windows and lanes of a recording of many rows."""
    begin = time.perf_counter()
    frames = write_long(rows)
    print(f"{frames:,} frames, {rows:,} rows, written in {time.perf_counter() - begin:.0f} s", flush=True)
    write_video("videos/cage.mp4", (np.zeros((32, 32, 1), np.uint8) for _ in range(5)), fps=25)
    index = index_video("videos/cage.mp4")
    times = RunLengths(first=0, count=frames, deltas=((1, frames - 1),))
    write_index(
        index.model_copy(update={"frames": frames, "timestamps": times, "time_base": (1, 25)}), PLACES.index("cage")
    )
    project = Project()
    plan = project.plan()
    project._plan = replace(plan, shards={"cage": name_shards(frames, SHARD_FRAMES)})
    project._planned_at = time.monotonic() + 1e6
    asker = Asker(Page(project, "bench"))
    base = "/api/recordings/cage/videos/cage"
    tell("the recording's facts, first time", asker.ask("/api/recordings/cage")[2])
    random = np.random.default_rng(1)
    tell("a window of 250 frames, first", asker.ask(f"{base}/poses?from=0&to=250&points=i2")[2])
    places = random.integers(0, frames - 250, 15)
    measure(
        asker,
        "a window of 250 frames anywhere",
        lambda n: f"{base}/poses?from={places[n]}&to={places[n] + 250}&points=i2",
    )
    begin = time.perf_counter()
    while asker.ask(f"{base}/lanes?bins=1200")[0] == 503:
        time.sleep(0.2)
    tell("lanes of the whole, first time (told how far)", time.perf_counter() - begin)
    measure(asker, "lanes of the whole, 1200 bins", lambda n: f"{base}/lanes?bins=1200")
    measure(
        asker,
        "lanes of 10,000 frames anywhere",
        lambda n: f"{base}/lanes?from={places[n]}&to={places[n] + 10000}&bins=1200",
    )
    with Path("/proc/self/status").open() as file:
        print(next(line.strip() for line in file if line.startswith("VmHWM")))
    asker.close()


def measure_list(count: int) -> None:
    """The list of many recordings."""
    write_video("videos/first.mp4", (np.zeros((32, 32, 1), np.uint8) for _ in range(5)), fps=25)
    index = index_video("videos/first.mp4")
    content = Path("videos/first.mp4").read_bytes()
    index = index.model_copy(update={"frames": 5})
    found = Predictions.from_instances(SKELETON, [0, 1, 2], np.ones((3, 12, 2)), None, [(0, 5)], {"release": "r"})
    tracks = Tracks.without_identities([0, 1, 2], [0, 1, 2], [0, 0, 0], [0, 0, 0])
    table = assemble_poses(found, tracks, index, PoseSource("a", "a"))
    head = "rank,video,frame_idx,time_s,kind,tracks,identities,confidence,frames_affected,expected_errors,note\n"
    for number in range(count):
        name = f"v{number:05d}"
        Path(f"videos/{name}.mp4").write_bytes(content + number.to_bytes(4, "little"))
        write_index(index, PLACES.index(name))
        path = PLACES.pose_table(name, name)
        if number == 0:
            write_poses(table, path)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PLACES.pose_table("v00000", "v00000"), path)
        lines = [f"{rank},{name},{rank},0.1,crossing,0 1,,0.9,100,{rank}.0,\n" for rank in range(1, 40)]
        PLACES.review_list(name).parent.mkdir(parents=True, exist_ok=True)
        PLACES.review_list(name).write_text(head + "".join(lines))
    Path("videos/first.mp4").unlink()
    project = Project()
    begin = time.perf_counter()
    project.plan()
    facts = project._known_facts()
    facts.save()  # as a run has left it
    print(f"{count:,} recordings, planned for the first time, as a run does it, in {time.perf_counter() - begin:.1f} s")
    asker = Asker(Page(Project(), "bench"))
    _, body, seconds = asker.ask("/api/recordings")
    is_whole = b'"complete":true' in body
    tell(
        "the list, first time after a start",
        seconds,
        f"{len(body) / 1000:.0f} kB, complete: {is_whole}",
    )
    begin = time.perf_counter()
    while b'"complete":true' not in asker.ask("/api/recordings")[1]:
        time.sleep(0.2)
    tell("until all figures are known", time.perf_counter() - begin)
    measure(asker, "the list again", lambda n: "/api/recordings", 5)
    asker.close()


def measure_frames(count: int) -> None:
    """Stills and packets of a recording of 1024² with a keyframe each 250 frames."""
    random = np.random.default_rng(0)
    noise = cv2.GaussianBlur(random.integers(0, 255, (1024, 1024), np.uint8), (0, 0), 4)[..., None]

    def draw() -> object:
        for number in range(count):
            image = noise.copy()
            image[(3 * number) % 900 : (3 * number) % 900 + 80, 300:420] += 150
            yield image

    write_video("videos/large.mp4", draw(), fps=30, gop=250)
    write_index(index_video("videos/large.mp4"), PLACES.index("large"))
    asker = Asker(Page(Project(), "bench"))
    tell("a still, first", asker.ask(f"/api/videos/large/still?frame={count // 3}")[2])
    places = random.integers(0, count, 30)
    measure(asker, "a still anywhere", lambda n: f"/api/videos/large/still?frame={places[n]}", 30)
    measure(asker, "a still one further", lambda n: f"/api/videos/large/still?frame={count // 2 + n}", 30)
    measure(asker, "a still one back", lambda n: f"/api/videos/large/still?frame={count // 2 - 60 - n}", 30)
    measure(asker, "a half one back", lambda n: f"/api/videos/large/still?frame={count - 60 - n}&size=half", 30)
    measure(asker, "packets of 250 frames anywhere", lambda n: f"/api/videos/large/packets?frame={places[n]}", 30)
    asker.close()


def write_day(path: Path, frames: int) -> None:
    """A recording of so many frames: one run of 250, again and again."""
    write_video("run.mp4", (np.full((256, 256, 1), number % 200, np.uint8) for number in range(250)), fps=30, gop=250)
    with av.open("run.mp4") as source:
        stream = source.streams.video[0]
        packets = [(bytes(one), one.pts, one.dts, one.is_keyframe) for one in source.demux(stream) if one.size]
        step = stream.duration or 0
        with av.open(str(path), "w") as made:
            copy = made.add_stream_from_template(stream)
            for turn in range(frames // 250):
                for content, pts, dts, is_key in packets:
                    packet = av.Packet(content)
                    packet.pts, packet.dts = pts + turn * step, dts + turn * step
                    packet.stream, packet.time_base, packet.is_keyframe = copy, stream.time_base, is_key
                    made.mux(packet)


def measure_day(frames: int) -> None:
    """The first frames of a recording of a day, as somebody opens it after a start."""
    path = Path("videos/day.mp4")
    write_day(path, frames)
    begin = time.perf_counter()
    index = index_video(path)
    write_index(index, PLACES.index("day"))
    print(
        f"{index.frames:,} frames of 256², indexed, as a run does it, in {time.perf_counter() - begin:.1f} s",
        flush=True,
    )
    asker = Asker(Page(Project(), "bench"))
    tell("the recording's facts, first time", asker.ask("/api/recordings/day")[2])
    middle = index.frames // 2
    tell("its first still", asker.ask(f"/api/videos/day/still?frame={middle}")[2])
    tell("its first packets", asker.ask(f"/api/videos/day/packets?frame={middle}")[2])
    places = np.random.default_rng(2).integers(0, index.frames, 30)
    measure(asker, "a still anywhere", lambda n: f"/api/videos/day/still?frame={places[n]}", 30)
    measure(asker, "packets of 250 frames anywhere", lambda n: f"/api/videos/day/packets?frame={places[n]}", 30)
    asker.close()


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=43_000_000)
    parser.add_argument("--recordings", type=int, default=2000)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--day", type=int, default=2_592_000)
    asked = parser.parse_args()
    parts = (
        (measure_long, asked.rows),
        (measure_list, asked.recordings),
        (measure_frames, asked.frames),
        (measure_day, asked.day),
    )
    for part, size in parts:
        if not size:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            for name in ("config", "videos"):
                Path(name).mkdir()
            Path("config/config.yaml").write_text(yaml.safe_dump({"videos": {"root": "videos"}}))
            part(size)
            os.chdir("/")


if __name__ == "__main__":
    main()

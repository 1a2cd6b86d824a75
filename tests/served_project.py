"""A project, a real server on it, and a browser's way to ask: what tests of the page share."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numbered_clips import encode

from poseflow.config import ReviewConfig, TrackingConfig
from poseflow.core.skeleton import Skeleton
from poseflow.media import index_video, read_index, write_index
from poseflow.runs.places import PLACES
from poseflow.runs.recordings import name_shards
from poseflow.server.app import build_app
from poseflow.server.listen import listen_on_port, make_server
from poseflow.server.page import Page
from poseflow.server.project import Project
from poseflow.server.security import Keys
from poseflow.steps.assemble import assemble_poses
from poseflow.steps.track import TrackedFiles, track_videos
from poseflow.tables import Predictions, write_predictions

TOKEN = "a-token-of-tests-that-is-long-enough"
FRAMES = 150


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def blocks(self) -> tuple[dict, dict[str, np.ndarray]]:
        """Head and arrays of a binary answer, read as the page does."""
        assert self.status == 200, self.body[:500]
        assert self.body[:4] == b"PFB1"
        length = int.from_bytes(self.body[4:8], "little")
        header = json.loads(self.body[8 : 8 + length])
        arrays = {}
        for name, one in header["arrays"].items():
            begin = 8 + length + one["offset"]
            assert begin % 8 == 0
            count = int(np.prod(one["shape"]))
            arrays[name] = np.frombuffer(self.body, f"<{one['dtype']}", count, begin).reshape(one["shape"])
        return header["head"], arrays


@dataclass
class Browser:
    """Asks as the page does; `cookie` is what it was given."""

    port: int
    cookie: str = ""
    host: str = ""
    page: Page | None = None

    def __post_init__(self) -> None:
        self.host = self.host or f"localhost:{self.port}"

    @property
    def own(self) -> dict[str, str]:
        """Headers of what the page sends itself."""
        return {"origin": f"http://{self.host}", "content_type": "application/json"}

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str | None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = {"host": self.host, "cookie": self.cookie or None, **headers}
        sent = {name.replace("_", "-"): value for name, value in given.items() if value is not None}
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            if body is not None and "content-length" not in sent:
                connection.putheader("content-length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str | None) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, message: Any, **headers: str | None) -> Answer:
        body = json.dumps(message).encode()
        return self.ask("POST", path, body, **{**self.own, **headers})

    def log_in(self) -> None:
        answer = self.get(f"/?token={TOKEN}")
        assert answer.status == 303
        self.cookie = answer.headers["set-cookie"].partition(";")[0]


def lay_out(folder: Path) -> Path:
    """A project with one recording of numbered frames, which no run has seen."""
    (folder / "config").mkdir(parents=True)
    (folder / "config/config.yaml").write_text(
        yaml.safe_dump({"videos": {"root": "videos"}, "tracking": {"animals": 3}, "predict": {"shard_frames": 75}})
    )
    (folder / "videos").mkdir()
    encode(folder / "videos/clip.mp4", frames=FRAMES)
    return folder


class Server:
    """A server on the project in this process's folder, in a thread."""

    def __init__(self, read_only: bool = False, static: Path | None = None) -> None:
        self.page = Page(Project(), "ann", read_only)
        if static is not None:
            self.page.static = static
        listener = listen_on_port("127.0.0.1", 0, TOKEN, True)
        self.port = listener.socket.getsockname()[1]
        self._server = make_server(build_app(self.page, Keys(TOKEN, "poseflow-test", secret=b"secret")))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener.socket]}, daemon=True)
        self._thread.start()
        end = time.monotonic() + 10
        while not self._server.started and time.monotonic() < end:
            time.sleep(0.01)
        self.browser = Browser(self.port, page=self.page)
        self.browser.log_in()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)


def read_events(browser: Browser, count: int) -> Iterator[Any]:
    """So many events, as they are told to a tab."""
    line = HTTPConnection("127.0.0.1", browser.port, timeout=10)
    line.request("GET", "/api/events", headers={"host": browser.host, "cookie": browser.cookie})
    answer = line.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    while count:
        text = answer.fp.readline()
        event = json.loads(text[6:]) if text.startswith(b"data: ") else {"type": "recordings"}
        if event["type"] != "recordings":  # which comes when the list's figures are known
            count -= 1
            yield event
    line.close()


NODES = ("nose", "body", "tail")
SKELETON = Skeleton(nodes=NODES, edges=((0, 1), (1, 2)), symmetries=())
SHAPE = np.array([[0, 0], [-20, 3], [-40, 0]], np.float64)
ANIMALS = 3


def pose_of(animal: int, frame: int) -> np.ndarray:
    """(3, 2): animals that walk to the right, one above the other."""
    return SHAPE + np.array([60.0 + 3 * frame, 60.0 + 80 * animal])


def make_results(video: str = "clip", shards: int = 2, missed: frozenset[tuple[int, int]] = frozenset()) -> None:
    """What a run makes of a video whose animals are known, in the project that this process works in.

    Args:
        missed: animals and frames that are not detected.
    """
    index = index_video(Path(f"videos/{video}.mp4"))
    write_index(index, PLACES.index(video))
    names = name_shards(FRAMES, FRAMES // shards)
    paths = []
    for number, name in enumerate(names):
        start, stop = number * FRAMES // shards, (number + 1) * FRAMES // shards
        there = [(f, a) for f in range(start, stop) for a in range(ANIMALS) if (a, f) not in missed]
        frame = np.array([f for f, _ in there])
        points = np.array([pose_of(a, f) for f, a in there])
        note = {"release": "0123456789", "video": video}
        score = np.array([0.9 - 0.1 * a for _, a in there])
        paths.append(PLACES.shard(video, name))
        write_predictions(Predictions.from_instances(SKELETON, frame, points, score, [(start, stop)], note), paths[-1])
    make_tables(video, paths)


def make_tables(video: str, paths: list[Path] | None = None, corrections: tuple[Path, ...] = ()) -> None:
    """Track and assemble a recording of one video, as a run does it, with what people have said."""
    paths = paths or sorted(PLACES.predictions(video).glob("*.parquet"))
    index = read_index(PLACES.index(video))
    out = TrackedFiles(PLACES.tracks(video), PLACES.review_list(video), PLACES.review_labels(video))
    settings = TrackingConfig(candidates="window", animals=ANIMALS), ReviewConfig(min_expected_errors=0)
    track_videos({video: paths}, out, settings, {video: index}, corrections=corrections)
    poses = PLACES.pose_table(video, video)
    assemble_poses(paths, PLACES.tracks(video), index, poses, (video, video), corrections=corrections)

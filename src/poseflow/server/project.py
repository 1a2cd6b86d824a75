"""The project as the page sees it: what its plan names, as it is now. Nobody asks for anything by its path."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from poseflow.config import Config, parse_config, read_yaml
from poseflow.core.errors import ConfigError, VideoError
from poseflow.media import VideoIndex, index_video, read_index
from poseflow.runs.corrections import group_corrections
from poseflow.runs.facts import FileFacts
from poseflow.runs.places import PLACES, Places
from poseflow.runs.plan import Plan, plan_videos
from poseflow.server.errors import RefusedError, not_ready, unknown

T = TypeVar("T")
REFRESH_S = 20.0
"""So old a plan may be before it is made anew, in the background."""
PATIENCE_S = 3.0
MOST_KEPT, MOST_FOUND = 50_000, 256
Stamp = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """What is the same as long as a file is; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class Kept:
    """What was read of files, kept as long as these are the same; the longest unused goes first."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most, self._lock = most, threading.Lock()
        self._values: OrderedDict[tuple[Path, str], tuple[Stamp, Any]] = OrderedDict()

    def find(self, path: Path, name: str, read: Callable[[Path], T]) -> T | None:
        """What `read` gives of a file; None where there is none."""
        stamp = stamp_of(path)
        if stamp is None:
            return None
        key = path, name
        with self._lock:
            known = self._values.get(key)
            if known is not None and known[0] == stamp:
                self._values.move_to_end(key)
                found: T = known[1]
                return found
        value = read(path)
        with self._lock:
            self._values[key] = stamp, value
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return value

    def knows(self, path: Path, name: str) -> bool:
        """Whether it need not be read, as there is no such file, or it is kept."""
        stamp = stamp_of(path)
        with self._lock:
            known = self._values.get((path, name))
        return stamp is None or (known is not None and known[0] == stamp)


class Project:
    """The project in the folder that this process works in."""

    def __init__(self, config: Path = Path("config/config.yaml"), places: Places = PLACES) -> None:
        self.config_path, self.places, self.kept = config, places, Kept()
        self.folder = Path.cwd()
        self.started = datetime.now(UTC)
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        self._planned_at = 0.0
        self._is_planning = False
        self._facts: tuple[Stamp | None, FileFacts] | None = None
        self._indexing: dict[str, threading.Event] = {}
        self._made: dict[str, VideoIndex] = {}
        self._found: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()

    @property
    def config(self) -> Config:
        """The settings as they are; raises ConfigError."""
        found = self.kept.find(self.config_path, "config", lambda path: parse_config(read_yaml(path), str(path)))
        if found is None:
            raise ConfigError(f"this must be a project's folder, with {self.config_path}, got {self.folder}")
        return found

    def plan(self) -> Plan:
        """Recordings and their files, not much older than REFRESH_S; the first call waits for it."""
        with self._lock:
            plan = self._plan
            is_due = time.monotonic() - self._planned_at > REFRESH_S and not self._is_planning
            if plan is not None and is_due:
                self._is_planning = True
                threading.Thread(target=self._plan_anew, name="plan", daemon=True).start()
            if plan is not None:
                return plan
        return self._plan_anew()

    def refresh(self) -> None:
        """Look again before the next answer."""
        self._plan_anew()

    def _plan_anew(self) -> Plan:
        try:
            plan = plan_videos(self.config, self._known_facts())
        except BaseException:
            with self._lock:
                self._is_planning, self._planned_at = False, time.monotonic()
            raise
        with self._lock:
            self._plan, self._planned_at, self._is_planning = plan, time.monotonic(), False
        return plan

    def _known_facts(self) -> FileFacts:
        """Facts that the last run noted, and beside them, in memory alone, what was found out since."""
        stamp = stamp_of(self.places.facts)
        with self._lock:
            if self._facts is None or self._facts[0] != stamp:
                self._facts = stamp, FileFacts(self.places.facts)
            return self._facts[1]

    def remember(self, key: Hashable, state: Hashable, find: Callable[[], T]) -> T:
        """What `find` gave for a key, as long as what it was found by is the same."""
        with self._lock:
            known = self._found.get(key)
            if known is not None and known[0] == state:
                self._found.move_to_end(key)
                found: T = known[1]
                return found
        value = find()
        with self._lock:
            self._found[key] = state, value
            self._found.move_to_end(key)
            while len(self._found) > MOST_FOUND:
                self._found.popitem(last=False)
        return value

    def corrections(self) -> dict[str, list[Path]]:
        """Files that say anything of each recording."""
        folder = Path(self.config.review.corrections)
        plan = self.plan()
        state = stamp_of(folder), id(plan)
        return self.remember("corrections", state, lambda: group_corrections(folder, plan.recordings))

    def recording(self, name: str) -> list[str]:
        """Videos of a recording; raises RefusedError for one that there is not."""
        videos = self.plan().recordings.get(name)
        if videos is None:
            raise unknown("recording", name)
        return list(videos)

    def video(self, recording: str, video: str) -> str:
        """A video of a recording; raises RefusedError where it is none."""
        if video not in self.recording(recording):
            raise unknown(f"video of {recording}", video)
        return video

    def path_of(self, video: str) -> Path:
        """Where a video lies; raises RefusedError for one that there is not."""
        path = self.plan().videos.get(video)
        if path is None:
            raise unknown("video", video)
        return path

    def index(self, video: str) -> VideoIndex:
        """What a video holds: as a run has indexed it, or, before the first run, as it is indexed here.

        Raises: RefusedError, also while it is being indexed.
        """
        path = self.path_of(video)
        try:
            known = self.kept.find(self.places.index(video), "index", read_index)
        except VideoError:
            known = None
        if known is not None:
            return known
        key = f"{video} {self.plan().fingerprints.get(video)}"
        with self._lock:
            if key in self._made:
                return self._made[key]
            done = self._indexing.get(key)
            if done is None:
                done = self._indexing[key] = threading.Event()
                threading.Thread(target=self._index, args=(key, path), name="index", daemon=True).start()
        done.wait(PATIENCE_S)
        with self._lock:
            if key in self._made:
                return self._made[key]
        raise not_ready(f"{video} is being looked through for the first time")

    def _index(self, key: str, path: Path) -> None:
        try:
            index = index_video(path, self.config.videos.h5_dataset)
            with self._lock:
                self._made[key] = index
        finally:
            with self._lock:
                self._indexing.pop(key).set()

    def readable(self, video: str) -> VideoIndex:
        """The index of a video whose frames can be read; raises RefusedError for another."""
        index = self.index(video)
        if not index.is_ok:
            raise RefusedError(410, "gone", f"{video} cannot be read: {index.reason}")
        return index

    def fingerprint(self, video: str) -> str:
        """What changes when a video does."""
        return self.plan().fingerprints.get(video, "")

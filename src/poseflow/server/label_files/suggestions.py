"""Frames that are worth labeling, chosen in a thread of its own."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from poseflow.core.errors import PoseflowError
from poseflow.server.errors import RefusedError
from poseflow.server.label_files.books import LabelBooks
from poseflow.server.messages.labels import Suggestion, Suggestions, SuggestPost
from poseflow.server.project import Project
from poseflow.suggest.propose import NEED_PREDICTIONS, propose_frames
from poseflow.tables import read_predictions

MOST_PREDICTIONS = 2_000_000
"""Frames of a video of which predictions are looked through for the uncertain ones."""


@dataclass
class _Work:
    frames: list[Suggestion] = field(default_factory=list)
    videos: int = 1
    done: int = 0
    is_done: bool = False
    fault: str | None = None


class Suggester:
    """Chooses frames for one label file after another."""

    def __init__(self, project: Project, books: LabelBooks) -> None:
        self._project, self._books = project, books
        self._lock = threading.Lock()
        self._works: dict[str, _Work] = {}

    def tell(self, file: str) -> Suggestions:
        """How far it is for a file."""
        self._books.describe(file)
        work = self._works.get(file)
        if work is None:
            return Suggestions(frames=[], state="none", done=0.0, fault=None)
        return Suggestions(
            frames=list(work.frames),
            state="done" if work.is_done else "working",
            done=1.0 if work.is_done else work.done / work.videos,
            fault=work.fault,
        )

    def begin(self, message: SuggestPost) -> Suggestions:
        """Begin to choose frames for a file; raises RefusedError while that is at work."""
        known = self._project.plan().videos
        wanted = message.videos if message.videos is not None else list(known)
        for video in wanted:
            self._project.path_of(video)
        if not wanted:
            raise RefusedError(409, "refused", "there must be a recording to choose frames of, got none")
        self._books.describe(message.file)
        with self._lock:
            before = self._works.get(message.file)
            if before is not None and not before.is_done:
                raise RefusedError(409, "refused", "frames are being chosen already")
            work = self._works[message.file] = _Work(videos=len(wanted))
        threading.Thread(target=self._choose, args=(work, message, wanted), name="suggest", daemon=True).start()
        return self.tell(message.file)

    def _choose(self, work: _Work, message: SuggestPost, videos: Sequence[str]) -> None:
        try:
            left = message.count
            for place, video in enumerate(videos):
                share = -(-left // (len(videos) - place))  # of those that are left, rounded up
                frames = self._propose(message, video, share) if share else []
                if frames:
                    self._books.suggest(message.file, {video: frames})
                work.frames += [Suggestion(video=video, frame=frame) for frame in frames]
                left -= len(frames)
                work.done += 1
        except (PoseflowError, OSError) as error:
            work.fault = str(error)
        except RefusedError as refusal:
            work.fault = refusal.message
        finally:
            work.is_done = True

    def _propose(self, message: SuggestPost, video: str, count: int) -> list[int]:
        try:
            index = self._project.readable(video)
        except RefusedError as refusal:
            if refusal.error == "gone":  # one that cannot be read keeps nobody from labeling the others
                return []
            raise
        settings = self._project.config.extract.model_copy(
            update={"method": message.method, "frames_per_video": count, "min_gap_frames": _gap(index.frames, count)}
        )
        predictions = None
        if message.method in NEED_PREDICTIONS and index.frames <= MOST_PREDICTIONS:
            shards = self._project.plan().shards[video]
            paths = [path for shard in shards if (path := self._project.places.shard(video, shard)).exists()]
            predictions = read_predictions(paths, with_shifted=False) if paths else None
        return propose_frames(index, settings, self._books.labeled(message.file, video), predictions)


def _gap(frames: int, count: int) -> int:
    """Frames that chosen ones are apart, at least: neighbors look alike; in a short video less."""
    return max(1, min(25, frames // (4 * count)))

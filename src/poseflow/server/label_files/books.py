"""Labels as the page reads and writes them: SLEAP's own files, each change at once, the whole file or none of it.

What the page does not know of a file (other instances' links, provenance, sessions) stays in it. A file that another
program has saved meanwhile is read again before a frame of it is changed, so that nobody's frames are lost.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import has_magic
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from poseflow.core.errors import LabelsError, PoseflowError
from poseflow.core.files import replacing
from poseflow.core.locks import hold
from poseflow.core.skeleton import Skeleton
from poseflow.server.errors import RefusedError, unknown
from poseflow.server.label_files.animals import build_animal, describe_animal, revision_of
from poseflow.server.messages.common import SkeletonFacts
from poseflow.server.messages.labels import (
    LabelAnimal,
    LabeledFrame,
    LabeledFrames,
    LabelFile,
    LabelFiles,
    LabelFrame,
)
from poseflow.server.project import Project, Stamp, stamp_of

if TYPE_CHECKING:
    import sleap_io as sio

FOLDER = PurePosixPath("labels")
SUFFIX, PACKAGE = ".slp", ".pkg.slp"
MOST_OPEN = 8
NOT_SLEAP = "it is in another format: `poseflow labels convert` makes a .slp of it"
IS_PACKAGE = "it is a package with images of its own"


@dataclass
class _Book:
    """An open label file."""

    labels: sio.Labels
    stamp: Stamp | None
    videos: dict[str, sio.Video] = field(default_factory=dict)
    """Of the project, by name."""
    names: dict[int, str] = field(default_factory=dict)
    """Name in the project of each video of the file, by its identity in memory."""


class LabelBooks:
    """The label files of a project; to be used by many threads."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.RLock()
        self._books: OrderedDict[str, _Book] = OrderedDict()

    @property
    def folder(self) -> Path:
        """Where new label files lie: where the settings look for SLEAP's, so that they train."""
        patterns = map(PurePosixPath, self._project.config.labels.paths)
        folders = (one.parent for one in patterns if one.name == f"*{SUFFIX}")
        return Path(next((one for one in folders if not has_magic(str(one))), FOLDER))

    def paths(self) -> dict[str, Path]:
        """Label files that the settings name, and those that the page made, by name."""
        from poseflow.labels import find_label_files

        try:
            found = find_label_files(self._project.config.labels)
        except LabelsError:  # one that is named is missing: the run's plan says so
            found = []
        folder = self.folder
        own = sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
        return {path.as_posix(): path for path in [*found, *own]}

    def list_files(self) -> LabelFiles:
        """All label files."""
        return LabelFiles(
            files=[self._describe(name, path) for name, path in self.paths().items()], folder=str(self.folder)
        )

    def describe(self, name: str) -> LabelFile:
        """One label file."""
        return self._describe(name, self._path(name))

    def _describe(self, name: str, path: Path) -> LabelFile:
        from poseflow.labels import describe_label_file

        reason = find_obstacle(path)
        stamp = stamp_of(path)
        try:
            facts = self._project.kept.find(path, "labels", lambda file: describe_label_file(file, False)) or {}
            skeleton = self._project.kept.find(path, "skeleton", _read_skeleton) if reason is None else None
        except PoseflowError as error:
            facts, skeleton, reason = {}, None, str(error)
        return LabelFile(
            name=name,
            frames=int(facts.get("frames", 0)),
            animals=int(facts.get("animals", 0)),
            writable=reason is None,
            reason=reason,
            skeleton=skeleton,
            tracks=list(facts.get("identities", ())),
            revision=f"{stamp[0]:x}" if stamp else None,
        )

    def list_frames(self, name: str) -> LabeledFrames:
        """Frames of a label file: labeled, predicted, suggested."""
        with self._lock:
            book = self._open(name)
            labels = book.labels
            frames = [self._describe_frame(book, frame) for frame in labels.labeled_frames]
            known = {(id(frame.video), frame.frame_idx) for frame in labels.labeled_frames}
            frames += [
                LabeledFrame(
                    video=book.names.get(id(one.video)),
                    source=_show(one.video),
                    frame=int(one.frame_idx),
                    animals=0,
                    by_person=0,
                    state="suggested",
                )
                for one in labels.suggestions
                if (id(one.video), one.frame_idx) not in known
            ]
            return LabeledFrames(
                file=name,
                revision=f"{book.stamp[0]:x}" if book.stamp else "",
                skeleton=_skeleton_of(labels),
                tracks=[track.name for track in labels.tracks],
                frames=frames,
            )

    @staticmethod
    def _describe_frame(book: _Book, frame: sio.LabeledFrame) -> LabeledFrame:
        import sleap_io as sio

        by_person = sum(not isinstance(one, sio.PredictedInstance) for one in frame.instances)
        is_labeled = by_person or frame.is_negative
        suggested = any(
            one.video is frame.video and one.frame_idx == frame.frame_idx for one in book.labels.suggestions
        )
        state: Literal["labeled", "suggested", "predicted"] = (
            "labeled" if is_labeled else "suggested" if suggested else "predicted"
        )
        return LabeledFrame(
            video=book.names.get(id(frame.video)),
            source=_show(frame.video),
            frame=int(frame.frame_idx),
            animals=len(frame.instances),
            by_person=by_person,
            state=state,
        )

    def read_frame(self, name: str, video: str, frame: int) -> LabelFrame:
        """A frame as it is in a label file, labeled or not."""
        self._project.path_of(video)
        with self._lock:
            return self._read(name, self._open(name), video, frame)

    def _read(self, name: str, book: _Book, video: str, frame: int) -> LabelFrame:
        found = _find(book, video, frame)
        animals = [describe_animal(one) for one in found.instances] if found is not None else []
        return LabelFrame(
            file=name, video=video, frame=frame, revision=revision_of(animals, found is not None), animals=animals
        )

    def write_frame(
        self, name: str, video: str, frame: int, animals: Sequence[LabelAnimal], revision: str | None
    ) -> LabelFrame:
        """Set the animals of a frame, and save the file.

        Args:
            revision: of the frame as it was read; None: whatever it is now.

        Raises: RefusedError, `conflict` with the frame as it is, where somebody has changed it since.
        """
        index = self._project.readable(video)
        if frame >= index.frames:
            raise RefusedError(422, "invalid", f"frame must be 0 to {index.frames - 1}, got {frame}")

        def change(book: _Book) -> None:
            import sleap_io as sio

            built = [build_animal(book.labels, one) for one in animals]
            found = _find(book, video, frame)
            if found is None:
                found = sio.LabeledFrame(video=self._video_of(book, video), frame_idx=frame)
                book.labels.labeled_frames.append(found)
            found.instances = built
            found.is_negative = not built

        return self._change(name, video, frame, revision, change)

    def remove_frame(self, name: str, video: str, frame: int, revision: str | None) -> LabelFrame:
        """Make a frame no label any more."""

        def change(book: _Book) -> None:
            found = _find(book, video, frame)
            if found is not None:
                book.labels.labeled_frames.remove(found)

        self._project.path_of(video)
        return self._change(name, video, frame, revision, change)

    def _change(
        self, name: str, video: str, frame: int, revision: str | None, change: Callable[[_Book], None]
    ) -> LabelFrame:
        path = self._writable(name)
        with self._lock, self._held():
            book = self._open(name)
            before = self._read(name, book, video, frame)
            if revision is not None and revision != before.revision:
                said = f"somebody has changed frame {frame} of {video} since"
                raise RefusedError(409, "conflict", said, before.model_dump(mode="json"))
            try:
                change(book)
                self._save(path, book)
            except BaseException:
                self._books.pop(name, None)  # what is in memory may be half changed
                raise
            return self._read(name, book, video, frame)

    def suggest(self, name: str, frames: dict[str, Sequence[int]]) -> None:
        """Add frames that are worth labeling to a file."""
        import sleap_io as sio

        path = self._writable(name)
        with self._lock, self._held():
            book = self._open(name)
            known = {(id(one.video), int(one.frame_idx)) for one in book.labels.suggestions}
            for video, own in frames.items():
                where = self._video_of(book, video)
                new = [frame for frame in own if (id(where), frame) not in known]
                book.labels.suggestions += [sio.SuggestionFrame(video=where, frame_idx=frame) for frame in new]
            self._save(path, book)

    def labeled(self, name: str, video: str) -> set[int]:
        """Frames of a video that a file has labels or suggestions of."""
        with self._lock:
            book = self._open(name)
            own = [*book.labels.labeled_frames, *book.labels.suggestions]
            return {int(one.frame_idx) for one in own if book.names.get(id(one.video)) == video}

    def create(self, name: str, skeleton: Skeleton, tracks: Sequence[str]) -> LabelFile:
        """Make a label file without labels. Raises RefusedError where there is one of that name."""
        import sleap_io as sio

        from poseflow.labels import to_sleap

        path = self.folder / f"{name}{SUFFIX}"
        labels = sio.Labels(skeletons=[to_sleap(skeleton)], tracks=[sio.Track(name=track) for track in tracks])
        with self._lock, self._held():
            if path.exists():
                raise RefusedError(409, "refused", f"{path} is there already")
            _write(labels, path)
        return self.describe(path.as_posix())

    def set_skeleton(self, name: str, skeleton: Skeleton) -> LabelFile:
        """Give a file without labels another skeleton."""
        from poseflow.labels import to_sleap

        path = self._writable(name)
        with self._lock, self._held():
            book = self._open(name)
            if any(frame.instances for frame in book.labels.labeled_frames):
                raise RefusedError(409, "refused", "the skeleton of a file with labeled animals stays as it is")
            book.labels.skeletons = [to_sleap(skeleton)]
            self._save(path, book)
        return self.describe(name)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """The lock of all label files, against another server that saves one."""
        path = self._project.places.labels_lock
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            hold(file, wait=True)
            yield

    def _path(self, name: str) -> Path:
        path = self.paths().get(name)
        if path is None:
            raise unknown("label file", name)
        return path

    def _writable(self, name: str) -> Path:
        path = self._path(name)
        if reason := find_obstacle(path):
            raise RefusedError(409, "refused", f"{name} cannot be changed here: {reason}")
        return path

    def _open(self, name: str) -> _Book:
        from poseflow.labels.formats.sleap import read

        path = self._path(name)
        if find_obstacle(path) == NOT_SLEAP:
            raise RefusedError(409, "refused", f"{name} cannot be shown frame by frame: {NOT_SLEAP}")
        stamp = stamp_of(path)
        book = self._books.get(name)
        if book is None or book.stamp != stamp:
            book = self._books[name] = _Book(read(path), stamp)
            self._name_videos(book)
        self._books.move_to_end(name)
        while len(self._books) > MOST_OPEN:
            self._books.popitem(last=False)
        return book

    def _name_videos(self, book: _Book) -> None:
        """Find out which of the project's videos a file is about."""
        from poseflow.core.errors import AmbiguousVideoError
        from poseflow.labels.facts import path_of
        from poseflow.media import find_recording

        project = {path: name for name, path in self._project.plan().videos.items()}
        recorded = {id(video): path_of(video) for video in book.labels.videos}
        for video in book.labels.videos:
            try:
                found = find_recording(recorded[id(video)], project, recorded.values())
            except AmbiguousVideoError:
                continue
            if found is not None:
                book.names[id(video)] = project[found]
                book.videos.setdefault(project[found], video)

    def _video_of(self, book: _Book, video: str) -> sio.Video:
        """A video of the project as the file has it, added where it has not."""
        from poseflow.exchange.slp import video_of

        if video not in book.videos:
            index = self._project.readable(video)
            # By its whole path: SLEAP's GUI is started in another folder.
            made = video_of(index.model_copy(update={"path": str(self._project.path_of(video).absolute())}))
            book.labels.videos.append(made)
            book.videos[video] = made
            book.names[id(made)] = video
        return book.videos[video]

    def _save(self, path: Path, book: _Book) -> None:
        book.labels.labeled_frames.sort(key=lambda frame: (book.labels.videos.index(frame.video), frame.frame_idx))
        _write(book.labels, path)
        book.stamp = stamp_of(path)


def find_obstacle(path: Path) -> str | None:
    """Why the page cannot change a label file; None where it can."""
    if path.name.endswith(PACKAGE):
        return IS_PACKAGE
    if path.suffix != SUFFIX:
        return NOT_SLEAP
    return None


def _write(labels: sio.Labels, path: Path) -> None:
    import sleap_io as sio

    with replacing(path) as temporary:
        sio.save_slp(labels, str(temporary), embed=False, verbose=False)


def _find(book: _Book, video: str, frame: int) -> sio.LabeledFrame | None:
    own = [one for one in book.labels.labeled_frames if one.frame_idx == frame]
    return next((one for one in own if book.names.get(id(one.video)) == video), None)


def _show(video: sio.Video) -> str:
    from poseflow.labels.facts import path_of

    return path_of(video)


def _skeleton_of(labels: sio.Labels) -> SkeletonFacts:
    from poseflow.labels import from_sleap

    if not labels.skeletons:
        return SkeletonFacts(nodes=[], edges=[], symmetries=[])
    found = from_sleap(labels.skeletons[0])
    return SkeletonFacts(nodes=list(found.nodes), edges=list(found.edges), symmetries=list(found.symmetries))


def _read_skeleton(path: Path) -> SkeletonFacts:
    from poseflow.labels.formats.sleap import read

    return _skeleton_of(read(path))

"""Poses for other programs: a format a file.

Other packages add formats by entry points of `poseflow.writers`, each a function of a `PoseStream` and a path.
"""

import logging
from pathlib import Path

from poseflow.config import WRITERS, SubjectConfig, suffix_of
from poseflow.core.errors import ConfigError, TableError
from poseflow.core.files import replacing
from poseflow.exchange.losses import find_losses
from poseflow.exchange.writer import PoseStream, Writer
from poseflow.media import VideoIndex
from poseflow.tables import in_ranges, iter_columns, open_poses

__all__ = ["PoseStream", "Writer", "export_poses", "format_of"]

logger = logging.getLogger(__name__)


def export_poses(
    table: str | Path,
    path: str | Path,
    format: str | None = None,
    index: VideoIndex | None = None,
    subject: SubjectConfig | None = None,
) -> None:
    """Write a pose table in another format; the file, or the folder of files, is written whole or not at all.

    What the table has and the format cannot hold, a warning names.

    Args:
        table: of one video. path: of the new file or folder.
        format: one of `WRITERS`; None: that of the suffix of `path`.
        index: the recording, for formats that refer to it.
        subject: what is known about the animals, for archives.

    Raises: ConfigError for a format that there is not, and where the table itself or a folder of other things would be
        gone; TableError as `open_poses`, and as the format's writer.
    """
    path = Path(path)
    format = format or format_of(path)
    write: Writer = WRITERS[format]
    skeleton, note = open_poses(table)
    if path.exists() and path.samefile(table):
        raise ConfigError(f"the export of {table} must be another file, got the table itself")
    _check_frames(Path(table), note["frames_read"])
    if index is not None and index.is_ok and index.frames != note["frames"]:
        raise ConfigError(
            f"the index must be that of the recording of {table}, of {note['frames']} frames, got one of {index.frames}"
        )
    poses = PoseStream(Path(table), skeleton, note, path, index, subject or SubjectConfig())
    with replacing(path) as temporary:
        write(poses, temporary)
        if path.is_dir() and temporary.is_dir() and not path.name.endswith(suffix_of(format)):
            _check_folder(path, temporary)
    if lost := find_losses(poses, write):
        logger.warning("%s cannot hold all that its table has: without %s", path, ", ".join(lost))


def format_of(path: Path) -> str:
    """The format that a file's name says; raises ConfigError where none or several do."""
    fitting = {name: suffix_of(name) for name in WRITERS if path.name.endswith(suffix_of(name))}
    longest = max(map(len, fitting.values()), default=0)
    named = [name for name, suffix in fitting.items() if len(suffix) == longest]
    if len(named) != 1:
        said = f"the suffix of {path.name}, that of {' and '.join(named)}" if named else repr(path.suffix[1:])
        raise ConfigError(f"the format of a file of poses must be one of {', '.join(WRITERS)}, got {said}")
    return named[0]


def _check_folder(path: Path, made: Path) -> None:
    """Raise ConfigError where a folder that is there holds what its successor has not: it is no earlier export."""
    own = {file.relative_to(made) for file in made.rglob("*")}
    others = sorted({file.relative_to(path) for file in path.rglob("*") if not file.is_dir()} - own)
    if others:
        raise ConfigError(f"{path} must be a new folder or an earlier export, got one that holds {others[0]}")


def _check_frames(table: Path, frames_read: list[list[int]]) -> None:
    """Raise TableError unless rows are sorted by frame, and of frames that were read: writers count on it."""
    last = -1
    for piece in iter_columns(table, ["frame_idx"]):
        frame_idx = piece.column("frame_idx").to_numpy()
        if len(frame_idx) and (frame_idx[0] < last or (frame_idx[1:] < frame_idx[:-1]).any()):
            raise TableError(f"{table}: rows must be sorted by frame_idx, got others")
        ranges = [(start, stop) for start, stop in frames_read]
        if not in_ranges(frame_idx, ranges).all():
            raise TableError(f"{table}: every row's frame must be among the frames that were read, got others")
        last = int(frame_idx[-1]) if len(frame_idx) else last

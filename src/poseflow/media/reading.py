"""Files of recordings, opened and read so that a failing disk is told from damage, and nothing is waited for.

Libraries that read by themselves hide what the system said: FFmpeg's demuxers take an I/O error for the end of the
file, OpenCV for a damaged image. So they are given files of this module, or what these hold.
"""

import errno
import os
import re
import stat
from io import FileIO
from pathlib import Path

from poseflow.core.errors import ReadError, VideoError

FORBIDDEN = (errno.EACCES, errno.EPERM)
_HDF5_ERRNO = re.compile(r"errno = (\d+)")
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


class RecordingFile(FileIO):
    """A regular file, unbuffered. The error of a read that failed is raised, and kept for libraries that swallow it.

    Raises:
        VideoError: on opening a file that is gone, or is no regular file (a pipe would be waited for forever).
        ReadError: where the system cannot open or read it.
    """

    def __init__(self, path: str | Path) -> None:
        self.error: ReadError | None = None
        super().__init__(path, "r", opener=_open_regular)

    def __del__(self) -> None:
        self.close()

    def read(self, size: int | None = -1, /) -> bytes:
        """As FileIO; ends before the file's end are errors, too."""
        try:
            size = -1 if size is None else size
            content = self.take(size)
            is_end = size and (size < 0 or not content)
            if is_end and self.tell() < os.fstat(self.fileno()).st_size:
                raise OSError(errno.EIO, "Input/output error (the file ends before its end)")
        except OSError as error:
            self.error = read_error(error, self.name)
            raise self.error from None
        return content

    def take(self, size: int) -> bytes:
        """Read from the system."""
        return super().read(size) or b""


def read_error(error: OSError, path: str | Path) -> ReadError:
    """What the system said, with the file's name."""
    number = error.errno or errno.EIO
    return ReadError(number, error.strerror or os.strerror(number), os.fspath(path))


def read_content(path: str | Path) -> bytes:
    """All bytes of a regular file; raises as RecordingFile."""
    with RecordingFile(path) as file:
        return file.read()


def find_closed(path: Path) -> str | None:
    """Why a file or folder cannot be opened at all, in one line; None where it can.

    Raises: ReadError where the system fails, which says nothing about the file.
    """
    try:
        if path.is_dir():
            with os.scandir(path):
                return None
        with RecordingFile(path):
            return None
    except VideoError as error:
        return str(error)
    except OSError as error:
        if error.errno in FORBIDDEN:
            return f"{path} must be readable, got: {os.strerror(error.errno)}"
        raise read_error(error, path) from None


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5: its signature stands at the beginning, or behind a user block of 512 * 2 ** n bytes."""
    with RecordingFile(path) as file:
        size = os.fstat(file.fileno()).st_size
        place = 0
        while place < size:
            file.seek(place)
            if file.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE:
                return True
            place = max(512, 2 * place)
    return False


def raise_if_unread(error: Exception, path: str | Path) -> None:
    """Raise ReadError where an error of HDF5's library is one of the system's, which only its text tells."""
    found = _HDF5_ERRNO.search(str(error))
    if found and int(found[1]) not in (0, errno.EINVAL):  # the latter of addresses that damage made up
        raise ReadError(int(found[1]), os.strerror(int(found[1])), os.fspath(path)) from None


def _open_regular(path: str, flags: int) -> int:
    """Open a file without waiting for anybody at its other end; as an opener of `open`."""
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise VideoError(f"{path} must be a regular file, got a socket or a pipe") from None
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG) and _is_gone(Path(path)):
            raise VideoError(f"{path} must be readable, got: {os.strerror(error.errno)}") from None
        raise read_error(error, path) from None
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise VideoError(f"{path} must be a regular file, got {_KINDS.get(kind, 'another thing')}")
    return descriptor


def _is_gone(path: Path) -> bool:
    """Whether a file that was not found is gone indeed: its folder is there, and lacks it, or it is a dangling link.

    Where the folder is gone too, or lists the file, it is the file system that fails.
    """
    return path.is_symlink() or (path.parent.is_dir() and not os.path.lexists(path))


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

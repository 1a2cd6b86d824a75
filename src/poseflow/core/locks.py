"""Locks of the operating system on open files: given back when the holder closes the file, or dies."""

import errno
import fcntl
import logging
from typing import IO, Any

logger = logging.getLogger(__name__)
_NO_LOCKS = frozenset([errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])


def hold(file: IO[Any], wait: bool, shared: bool = False, warn: bool = True) -> None:
    """Lock an open file until it is closed, or this process ends; where the file system has no locks, a warning.

    Args:
        file: open. wait: until another process gives it back.
        shared: others may hold it too, if they share.
        warn: say where there are no locks; who only reads loses nothing.

    Raises: BlockingIOError where another process has it and this one does not wait.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file, kind | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        if warn:
            logger.warning("%s: this file system has no locks: nothing guards against a second process", file.name)

"""Runs of the workflow and their jobs: one run at a time, and no job that outlives its run.

Both are left to the operating system, which keeps its word after SIGKILL and power cuts: a lock that is released when
its holder dies, and jobs that watch the process that started them.
"""

import errno
import fcntl
import os
import select
import signal
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import TextIO

from poseflow.errors import PoseflowError
from poseflow.logs import log_to

MAIN_PROCESS = "POSEFLOW_MAIN_PROCESS"


class RunError(PoseflowError):
    """Another run is at work on the same results."""


def lock_results(path: str | Path) -> TextIO:
    """Take the lock `path` for as long as the file that is returned stays open, at most until this process ends.

    Raises RunError, naming the holder, where another process has it. A file system without locks (some cluster file
    systems, depending on how they are mounted) cannot tell, and lets everyone pass.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise RunError(f"{path}: only one run may work on these results, got a second; the first is {holder}") from None
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK):
            raise
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {os.uname().nodename}\n")
    lock.flush()
    return lock


def announce_run() -> None:
    """Let the jobs that this process starts on this machine know whom to watch; see `end_with_run`."""
    os.environ[MAIN_PROCESS] = str(os.getpid())


def leave_run() -> None:
    """Forget whom to watch: a job that a cluster runs is the scheduler's to end."""
    os.environ.pop(MAIN_PROCESS, None)


def begin_job(log: str | Path, threads: int = 1, append: bool = False) -> None:
    """What each script of the workflow does first: log to `log`, end with the run, fail in a word.

    TensorFlow, where a job comes to import it, computes with `threads` threads rather than with every core there is.
    A PoseflowError ends the script with exit code 1 and one line, in the log and on the terminal; any other error
    leaves its traceback in the log.
    """
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8")
    log_to(log, append)

    def report_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, PoseflowError):
            print(f"error: {error}", file=sys.stderr)
            print(f"error: {error}", file=terminal, flush=True)
        else:
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = report_error
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's greetings are no news
    end_with_run()


def end_with_run() -> None:
    """End this process when the run that started it is gone, killed say: the next run does its work again.

    Does nothing where no run was announced, or the system has no `pidfd_open` (other than Linux).
    """
    main = os.environ.get(MAIN_PROCESS)
    if not main or not hasattr(os, "pidfd_open"):
        return
    try:
        descriptor = os.pidfd_open(int(main))
    except ProcessLookupError:
        os.kill(os.getpid(), signal.SIGKILL)
        return
    watcher = threading.Thread(target=_end_after, args=(descriptor,), name="end-with-run", daemon=True)
    watcher.start()


def _end_after(descriptor: int) -> None:
    select.select([descriptor], [], [])
    os.kill(os.getpid(), signal.SIGKILL)

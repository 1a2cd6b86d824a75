"""Runs of the workflow and their jobs: one run at a time, and no job that outlives its run.

Both are left to the operating system, which keeps its word after SIGKILL and power cuts: a lock that is released when
its holder dies, and jobs that watch the process that started them.
"""

import logging
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TextIO

from poseflow.core.errors import PoseflowError
from poseflow.core.files import is_running
from poseflow.core.imports import prepare_imports
from poseflow.core.locks import hold
from poseflow.core.logs import log_to

logger = logging.getLogger("poseflow")
MAIN_PROCESS = "POSEFLOW_MAIN_PROCESS"
_GONE_AFTER_S = 30.0
_INTERRUPT_PATIENCE_S = 10.0
INTERRUPTED = 130
"""Exit code after Ctrl-C."""


class RunError(PoseflowError):
    """Another run is at work on the same results."""


def lock_results(path: str | Path) -> TextIO:
    """Take the lock `path` for as long as the file that is returned stays open, at most until this process ends.

    Raises RunError, naming the holder, where another process has it. A file system without locks (some cluster file
    systems, depending on how they are mounted) cannot tell, and lets everyone pass, with a warning.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = path.open("a+", encoding="utf-8")
    except PermissionError as error:
        raise RunError(f"{path} must be writable for all who share these results (umask 002), got {error}") from error
    try:
        hold(lock, wait=False)
    except BlockingIOError:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        lock.close()
        raise RunError(f"{path}: only one run may work on these results, got a second; the first is {holder}") from None
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {os.uname().nodename}\n")
    lock.flush()
    return lock


def end_leftovers(folder: Path) -> list[int]:
    """End the processes that a run in `folder` left on this machine when it was killed; gives their numbers.

    Most end by themselves (see `end_with_run`). But a job that is just starting, or Snakemake's process round a job,
    which deletes the job's output when that fails, would do so after the next run has made its plan. Call it with the
    lock held. Raises RunError for one that does not end.
    """
    import psutil

    left = []
    for process in psutil.process_iter():
        try:
            main, place = process.environ().get(MAIN_PROCESS), process.cwd()
        except (psutil.Error, OSError):  # another user's, or gone
            continue
        if main and not is_running(int(main)) and os.path.realpath(place) == os.path.realpath(folder):
            process.kill()
            left.append(process)
    _, alive = psutil.wait_procs(left, timeout=_GONE_AFTER_S)
    if alive:
        numbers = ", ".join(str(process.pid) for process in alive)
        raise RunError(f"processes that an earlier run left behind must end before the next one, got {numbers}")
    return [process.pid for process in left]


def announce_run() -> None:
    """Let the jobs that this process starts on this machine know whom to watch; see `end_with_run`."""
    os.environ[MAIN_PROCESS] = str(os.getpid())


def leave_run() -> None:
    """Forget whom to watch: a job that a cluster runs is the scheduler's to end."""
    os.environ.pop(MAIN_PROCESS, None)


def begin_job(log: str | Path, threads: int = 1, append: bool = False) -> TextIO:
    """What each script of the workflow does first: log to `log`, end with the run, fail in a word.

    TensorFlow, where a job comes to import it, computes with `threads` threads rather than with every core there is.
    A PoseflowError ends the script with exit code 1 and one line, in the log and on the terminal; any other error
    leaves its traceback in the log.

    Returns: the terminal, for the little that is to be seen at once.
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
    prepare_imports()
    end_after_interrupt()
    end_with_run()
    return terminal


def end_after_interrupt(patience_s: float = _INTERRUPT_PATIENCE_S) -> None:
    """See that this process ends on Ctrl-C, even where the KeyboardInterrupt comes late or is lost.

    Python raises it between two of its own steps, so not within a long call of a C library; and raised in a callback
    of one, or in a finalizer, it is printed and forgotten. What is written is whole or temporary, so that an end at
    any moment does no harm.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def wait() -> None:
        while os.read(reading, 1) != bytes([signal.SIGINT]):
            pass
        time.sleep(patience_s)
        os._exit(INTERRUPTED)

    threading.Thread(target=wait, name="end-after-interrupt", daemon=True).start()


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

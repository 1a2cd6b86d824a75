"""Logging and progress for command-line verbs and workflow jobs."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

FORMAT = "%(asctime)s %(levelname)s %(message)s"
_SHARED: dict[str, Callable[[int], None]] = {}
"""Loops that show themselves as parts of a longer one, by what they do."""


def configure_logging(verbose: bool = False) -> None:
    """Send this package's log records to stderr, and others' warnings."""
    logging.basicConfig(level=logging.WARNING, format=FORMAT, datefmt="%H:%M:%S")
    logging.getLogger("poseflow").setLevel(logging.DEBUG if verbose else logging.INFO)


def log_to(path: str | Path, append: bool = False) -> None:
    """Send everything that this process and its children print to `path`, anew or after what stands there.

    File descriptors 1 and 2 are replaced, not `sys.stdout`: tracebacks of C libraries, FFmpeg's complaints and a
    crash of the interpreter itself end in the file too.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC), 0o666)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    configure_logging()


@contextmanager
def show_progress(what: str, total: int, unit: str, every_s: float = 30.0) -> Iterator[Callable[[int], None]]:
    """Show how far a long loop has come; the body calls what this yields with the number of units just done.

    On a terminal, a bar with units/s and time left; elsewhere one log line every `every_s` seconds and one at the end.
    """
    if what in _SHARED:
        yield _SHARED[what]
        return
    if sys.stderr.isatty():
        with _bar(what, total, unit) as advance:
            yield advance
        return
    logger = logging.getLogger("poseflow")
    begin = last = monotonic()
    done = 0

    def note(count: int) -> None:
        nonlocal done, last
        done += count
        now = monotonic()
        if now - last >= every_s:
            last = now
            speed = done / (now - begin)
            left = (total - done) / speed if speed else float("inf")
            logger.info("%s: %d of %d %s, %.1f/s, %.0f s left", what, done, total, unit, speed, left)

    yield note
    elapsed = monotonic() - begin
    logger.info("%s: %d %s in %.1f s, %.1f/s", what, done, unit, elapsed, done / max(elapsed, 1e-9))


@contextmanager
def share_progress(what: str, total: int, unit: str) -> Iterator[None]:
    """Show as one all loops called `what` that run within, one after the other, `total` units together."""
    with show_progress(what, total, unit) as advance:
        _SHARED[what] = advance
        try:
            yield
        finally:
            del _SHARED[what]


@contextmanager
def _bar(what: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=total, unit=unit)
        begin, done = monotonic(), 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            speed = done / max(monotonic() - begin, 1e-9)
            bars.update(task, advance=count, unit=f"{unit}, {speed:.1f}/s")

        yield advance

"""A run of the workflow as the page starts, follows and stops it: Snakemake in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from poseflow.core.files import read_json, write_json
from poseflow.runs.lock import MAIN_PROCESS
from poseflow.runs.places import Places
from poseflow.server.errors import RefusedError
from poseflow.server.messages.run import PlannedJobs, RunPlan

TARGETS = ("all", "nightly", "suggestions")
PLAN_TIMEOUT_S = 600
TAIL_LINES, PLAN_LINES = 40, 400
TAIL_BYTES = 1 << 16
_COUNT = re.compile(r"(\w+)\s+(\d+)")


class RunControl:
    """The run that this page started, which goes on when the page is closed, and is found again after that."""

    def __init__(self, places: Places, profiles: Callable[[], Sequence[str]], config: Path) -> None:
        self._log = places.log("page", "run")
        self._note = self._log.with_suffix(".json")
        self._profiles, self._config = profiles, config
        self._lock, self._planning = threading.Lock(), threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = False

    def command(self, profile: str, target: str | None, files: Sequence[Path] = ()) -> list[str]:
        """What is run; raises RefusedError for a profile or target that there is not.

        Args:
            files: that are to be made, in place of a target, by the places that this package gives them.
        """
        known = self._profiles()
        if profile not in known:
            raise RefusedError(422, "invalid", f"profile must be one of {', '.join(known) or 'none'}, got {profile!r}")
        if target is not None and target not in TARGETS:
            raise RefusedError(422, "invalid", f"target must be one of {', '.join(TARGETS)}, got {target!r}")
        # What follows --configfile is a file, up to the next option.
        settings = [] if self._config == Path("config/config.yaml") else ["--configfile", str(self._config)]
        wanted = [*([target] if target else []), *map(str, files)]
        return [sys.executable, "-m", "snakemake", *settings, "--profile", profile, *wanted]

    def plan(self, profile: str, target: str | None) -> RunPlan:
        """What a run would do, by Snakemake's dry run, which takes some seconds."""
        command = self.command(profile, target)
        if not self._planning.acquire(blocking=False):
            raise RefusedError(409, "refused", "a plan is being made already")
        try:
            done = subprocess.run(
                [*command, "-n"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=_environment(),
                timeout=PLAN_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise RefusedError(409, "refused", f"the plan was not ready after {PLAN_TIMEOUT_S} s") from None
        finally:
            self._planning.release()
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        faults = [line for line in lines if "rror" in line]
        return RunPlan(
            command=show(command),
            lines=lines[-PLAN_LINES:],
            jobs=_count_jobs(lines),
            fault=(faults or lines or ["it ended without a word"])[-1] if done.returncode else None,
        )

    def start(self, command: Sequence[str], profile: str, tell: Callable[[], None]) -> None:
        """Start a run; raises RefusedError where one that this page started is at work.

        Args:
            command: of `command`, with this profile. tell: called when it has ended.
        """
        with self._lock:
            if self.is_at_work():
                raise RefusedError(409, "refused", "a run that was started here is at work")
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=_environment(),
                    start_new_session=True,  # a group of its own: stopped as a whole, and not with the page
                )
            self._is_stopping = False
            began = datetime.now(UTC).isoformat(timespec="seconds")
            note = {"process": self._process.pid, "born": _born(self._process.pid), "began": began}
            write_json({**note, "command": list(command), "profile": profile}, self._note)
        threading.Thread(target=self._wait, args=(self._process, tell), name="run", daemon=True).start()

    def _wait(self, process: subprocess.Popen[bytes], tell: Callable[[], None]) -> None:
        code = process.wait()
        ended = datetime.now(UTC).isoformat(timespec="seconds")
        write_json({**self.noted(), "code": code, "ended": ended}, self._note)
        tell()

    def stop(self) -> None:
        """Interrupt the run, as Ctrl-C does; asked again, end it. Raises RefusedError where none is ours."""
        with self._lock:
            noted = self.noted()
            if not self.is_at_work():
                raise RefusedError(409, "refused", "no run that was started here is at work")
            how = signal.SIGTERM if self._is_stopping else signal.SIGINT
            self._is_stopping = True
            os.killpg(int(noted["process"]), how)

    def is_at_work(self) -> bool:
        """Whether the run that was started here last has not ended."""
        noted = self.noted()
        if not noted or "code" in noted:
            return False
        if self._process is not None and self._process.pid == noted["process"]:
            return self._process.poll() is None
        return _born(int(noted["process"])) == noted["born"]  # of another page's process, which was ended meanwhile

    def noted(self) -> dict[str, Any]:
        """What is known of the run that was started here last."""
        try:
            found = read_json(self._note)
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) and {"process", "born", "began"} <= found.keys() else {}

    def tail(self) -> list[str]:
        """The last lines that it printed."""
        return read_tail(self._log, TAIL_LINES)


def read_tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log; none where there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - TAIL_BYTES, 0))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-lines:]


def show(command: Sequence[str]) -> list[str]:
    """A command as a person would type it."""
    return ["snakemake", *command[3:]]


def _environment() -> dict[str, str]:
    """Of a run: not as a part of whatever started this server."""
    return {name: value for name, value in os.environ.items() if name != MAIN_PROCESS}


def _born(process: int) -> float | None:
    """When a process began; a number may be another's later."""
    import psutil

    try:
        found = psutil.Process(process)
        return None if found.status() == psutil.STATUS_ZOMBIE else found.create_time()
    except psutil.NoSuchProcess:
        return None


def _count_jobs(lines: Sequence[str]) -> list[PlannedJobs]:
    """Jobs by rule, of the table that a dry run ends with."""
    heads = [number for number, line in enumerate(lines) if re.fullmatch(r"job\s+count", line.strip())]
    jobs: list[PlannedJobs] = []
    for line in lines[heads[-1] + 2 :] if heads else ():
        found = _COUNT.fullmatch(line.strip())
        if found is None:
            break
        if found[1] != "total":
            jobs.append(PlannedJobs(rule=found[1], count=int(found[2])))
    return jobs

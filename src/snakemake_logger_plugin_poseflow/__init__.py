"""What Snakemake's window shows beside Snakemake's own lines: a logger plugin, by the documented interface of these.

`logger: poseflow` in a profile switches it on. Imported at each start of Snakemake, so it imports next to nothing.
"""

import sys
from collections.abc import Sequence
from logging import LogRecord
from pathlib import Path
from time import monotonic
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

EVERY_S = 60.0
LONG_STEP = "predict"
"""The rule whose jobs take the time of a run."""
CONFIGFILE = "config/config.yaml"
"""The one that a project's Snakefile names."""
_HIDDEN = (LogEvent.WORKFLOW_STARTED, LogEvent.JOB_INFO, LogEvent.GROUP_INFO, LogEvent.SHELLCMD)
_SEE_ABOVE = "(check individual jobs above for details)"


class LogHandler(LogHandlerBase):
    """Shows a dry run in short, and how a run gets on; ends Snakemake where its files of settings are none."""

    def __post_init__(self) -> None:
        """Refuse what Snakemake would answer with a traceback, before it reads settings."""
        from poseflow.runs.places import find_folder_fault

        fault = find_folder_fault(Path()) or find_configfile_fault(sys.argv)
        fault = fault or find_settings_fault(list_configfiles(sys.argv))
        if fault:
            print(f"error: {fault}", file=sys.stderr)
            raise SystemExit(2)
        self._progress = Progress()
        self._is_counted = False

    @property
    def is_short(self) -> bool:
        """Whether this is a dry run of which nobody asked for more, with --verbose, -p or --debug-dag, or for less."""
        settings: Any = self.common_settings
        more = settings.verbose or settings.printshellcmds or settings.debug_dag
        return bool(settings.dryrun and not more and not settings.quiet)

    @property
    def writes_to_stream(self) -> bool:
        """In a dry run this takes the place of Snakemake's own lines."""
        return self.is_short

    @property
    def writes_to_file(self) -> bool:
        """No."""
        return False

    @property
    def has_filter(self) -> bool:
        """Of what is shown, `emit` decides."""
        return True

    @property
    def has_formatter(self) -> bool:
        """Lines are those of Snakemake."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """No."""
        return False

    def emit(self, record: LogRecord) -> None:
        """Show a line of a dry run, or note how far a run has come."""
        event = getattr(record, "event", None)
        if self.is_short:
            self._show(record, event)
        elif line := self._progress.note(record, event, monotonic()):
            print(line, file=sys.stderr, flush=True)

    def _show(self, record: LogRecord, event: str | None) -> None:
        if event in _HIDDEN or (event == LogEvent.RUN_INFO and self._is_counted):
            return
        self._is_counted |= event == LogEvent.RUN_INFO
        text = self.format(record).replace(_SEE_ABOVE, "(each job with its files and its reason: snakemake -n -p)")
        if text.strip() not in ("", "None"):
            print(text, file=sys.stderr, flush=True)


class Progress:
    """How far the jobs of the long step have come, from what Snakemake tells of all jobs."""

    def __init__(self) -> None:
        self._total = self._done = 0
        self._rules: dict[int, str] = {}
        self._began = self._told = 0.0

    def note(self, record: LogRecord, event: str | None, now: float) -> str | None:
        """Take an event; a line to show, once a minute and at the end of the step.

        Args:
            now: seconds, of a clock that only goes on.
        """
        if event == LogEvent.RUN_INFO:
            self._total = dict(vars(record).get("stats") or {}).get(LONG_STEP, 0)
        elif event == LogEvent.JOB_INFO:
            self._rules[vars(record)["jobid"]] = vars(record)["rule_name"]
            if vars(record)["rule_name"] == LONG_STEP and not self._began:
                self._began = self._told = now
        elif event == LogEvent.JOB_FINISHED and self._rules.get(vars(record)["job_id"]) == LONG_STEP:
            self._done += 1
            if now - self._told >= EVERY_S or self._done == self._total > 1:
                self._told = now
                return self._describe(now - self._began)
        return None

    def _describe(self, seconds: float) -> str:
        rate = self._done / max(seconds, 1e-9)
        left = (self._total - self._done) / rate
        end = f", {say_duration(left)} left" if left >= 1 else f" in {say_duration(seconds)}"
        return f"{LONG_STEP}: {self._done} of {self._total} shards, {rate * 3600:.0f} an hour{end}"


def say_duration(seconds: float) -> str:
    """As `2 h 05 min`, `12 min` or `40 s`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def find_configfile_fault(arguments: Sequence[str]) -> str | None:
    """What is wrong with the files that --configfile names: it takes all words that follow, a target too."""
    for word in list_configfiles(arguments):
        if not Path(word).is_file():
            is_name = not Path(word).suffix and "/" not in word
            advice = f"; a target stands before the option: snakemake {word} --configfile …" if is_name else ""
            return f"--configfile must be followed by files of settings, got {word}, which is none{advice}"
    return None


def list_configfiles(arguments: Sequence[str]) -> list[str]:
    """The words that follow --configfile."""
    found, is_file = [], False
    for word in arguments[1:]:
        if word.startswith("-"):
            is_file = word in ("--configfile", "--configfiles")
        elif is_file:
            found.append(word)
    return found


def find_settings_fault(named: Sequence[str]) -> str | None:
    """What is wrong with files of settings, these and the project's own, that Snakemake would not name."""
    from poseflow.config import read_yaml  # which the workflow imports next
    from poseflow.core.errors import ConfigError

    for path in {CONFIGFILE: None, **dict.fromkeys(named)}:
        try:
            if Path(path).is_file() and not isinstance(values := read_yaml(path), dict):
                return f"{path} must hold settings, one at least, as videos: {{root: videos}}, got {values or 'none'}"
        except ConfigError as error:
            return str(error)
    return None

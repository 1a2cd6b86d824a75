"""Verbs for daily work in a project's folder: status, rerun, remove, clean, backup, doctor."""

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from poseflow.cli.options import read_project
from poseflow.core.errors import ConfigError
from poseflow.core.wording import count_of
from poseflow.runs.places import PLACES

if TYPE_CHECKING:
    from poseflow.config import Config
    from poseflow.runs.plan import Plan

ProjectConfig = Annotated[Path, typer.Option("--config", "-c", help="The project's settings.")]
DEFAULT_CONFIG = Path("config/config.yaml")
MAX_LISTED = 10
STEPS = ("index", "predict", "track", "assemble", "render", "report", "split", "train", "evaluate")


def status(config: ProjectConfig = DEFAULT_CONFIG) -> None:
    """Say how things stand: what is done, at work, waiting or failed; time left; and disk.

    Example:

        poseflow status
    """
    from poseflow.runs.disk import say_size
    from poseflow.runs.facts import FileFacts
    from poseflow.runs.plan import plan_videos
    from poseflow.runs.status import find_status

    plan = plan_videos(read_project(config), FileFacts(PLACES.facts, check=False))

    now = find_status(plan, PLACES, time.time())
    counts = f"{len(now.done)} done, {len(now.running)} at work, {len(now.waiting)} waiting, {len(now.failed)} failed"
    typer.echo(f"{count_of(len(plan.videos), 'video')}: {counts}")
    last = PLACES.summary.read_text(encoding="utf-8").partition("\n")[0] if PLACES.summary.exists() else ""
    ended = f"; the last one: {last} ({PLACES.summary})" if last else ""
    typer.echo("a run is at work" if now.is_running else f"no run is at work{ended}")
    if now.seconds_left is not None:
        typer.echo(f"all predicted in about {now.seconds_left / 3600:.1f} h, by the speed of this run so far")
    for failure in now.failed[:MAX_LISTED]:
        typer.echo(f"failed    {failure.video}: {failure.rule}: {failure.reason} ({failure.log})")
    _tell_more(len(now.failed))
    for name, size in now.sizes.items():
        typer.echo(f"disk      {say_size(size):>9}  {name}")
    if now.day_bytes:
        typer.echo(f"a day of one camera comes to about {say_size(now.day_bytes)}, by what is done")
    for warning in plan.warnings:
        typer.echo(f"warning   {warning}")


def rerun(
    what: Annotated[str, typer.Argument(metavar="RECORDING|STEP", help=f"A recording, or one of {', '.join(STEPS)}.")],
    profile: Annotated[str, typer.Option(help="Of Snakemake, as local or slurm.")] = "local",
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be done.")] = False,
    config: ProjectConfig = DEFAULT_CONFIG,
) -> None:
    """Do a recording again, or a step of all recordings; and what follows from it.

    Snakemake does it: this is `snakemake --forcerun`. What is there stays until its successor is whole.

    Example:

        poseflow rerun cage1 --profile slurm
    """
    if what in STEPS:
        forced = [what]
    else:
        from poseflow.runs.removal import find_videos_of

        plan, _ = _plan(config)
        _, videos = find_videos_of(what, plan, PLACES)
        forced = [str(PLACES.index(video)) for video in videos if video in plan.videos]
        if not forced:
            raise ConfigError(f"RECORDING must be there to be done again, got {what}, which is gone")
    command = [sys.executable, "-m", "snakemake", "--profile", profile, "--configfile", str(config), "--forcerun"]
    raise typer.Exit(subprocess.run([*command, *forced, *(["-n"] if dry_run else [])], check=False).returncode)


def remove(
    recording: Annotated[str, typer.Argument(metavar="RECORDING", help="By its name, as in the pose tables.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ProjectConfig = DEFAULT_CONFIG,
) -> None:
    """Remove all that was made of a recording: pose tables, tracks, predictions, index, logs.

    The recording itself, labels and corrections are yours and stay. It says what goes, and asks.

    Example:

        poseflow remove cage1
    """
    from poseflow.runs.disk import measure_files, say_size
    from poseflow.runs.lock import lock_results
    from poseflow.runs.removal import find_videos_of, list_results_of
    from poseflow.runs.removal import remove as remove_all

    plan, _ = _plan(config)
    name, videos = find_videos_of(recording, plan, PLACES)
    paths = list_results_of(name, videos, PLACES)
    for path in paths:
        typer.echo(path)
    typer.echo(f"{len(paths)} files and folders, {say_size(measure_files(paths))}")
    for video in videos:
        if video in plan.videos:
            typer.echo(f"{plan.videos[video]} is still there: move it away, or the next run does it again")
    if paths and (yes or typer.confirm("Remove these?")):
        with lock_results(PLACES.lock):
            remove_all(paths)


def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    config: ProjectConfig = DEFAULT_CONFIG,
) -> None:
    """Remove old versions of releases, models and predictions that nothing refers to.

    Kept is whatever a recording, a table, a release that is or was in use, or the present labels need.

    Example:

        poseflow clean --dry-run
    """
    from poseflow.runs.disk import measure_files, say_size
    from poseflow.runs.lock import lock_results
    from poseflow.runs.removal import find_unreferenced
    from poseflow.runs.removal import remove as remove_all

    plan, _ = _plan(config)
    paths = find_unreferenced(plan, PLACES)
    for path in paths:
        typer.echo(f"{say_size(measure_files([path])):>9}  {path}")
    typer.echo(f"{len(paths)} files and folders, {say_size(measure_files(paths))}")
    if paths and not dry_run and (yes or typer.confirm("Remove these?")):
        with lock_results(PLACES.lock):
            remove_all(find_unreferenced(plan, PLACES))


def backup(config: ProjectConfig = DEFAULT_CONFIG) -> None:
    """List the files that must be kept, for rsync; and say what can be made again.

    The list goes to standard output, all else to the terminal. What can be made again is told with
    its cost. Recordings are not in the list, nor is what lies outside this folder, which is told.

    Example:

        poseflow backup | rsync -a --files-from=- . backup:project
    """
    plan, settings = _plan(config)
    from poseflow.runs.backup import list_kept, tell_costs
    from poseflow.runs.disk import measure_files, say_size

    kept = list_kept(settings, [config], plan, PLACES)
    elsewhere = [path for path in kept if not path.absolute().is_relative_to(Path.cwd()) or ".." in path.parts]
    for path in kept:
        if path not in elsewhere:
            typer.echo(path.absolute().relative_to(Path.cwd()))
    typer.echo(
        f"to keep: {count_of(len(kept), 'file')}, {say_size(measure_files(kept))}; and {settings.videos.root}/, "
        "by itself",
        err=True,
    )
    for place in sorted({path.parent for path in elsewhere}):
        typer.echo(f"to keep by itself, and not in the list, since it lies elsewhere: {place}/", err=True)
    for folder, seconds in tell_costs(PLACES):
        size = say_size(measure_files([PLACES.results / folder]))
        typer.echo(f"can be made again: {folder}, {size}, in {seconds / 3600:.1f} h of jobs", err=True)


def doctor(config: ProjectConfig = DEFAULT_CONFIG) -> None:
    """Look whether this machine and this folder are fit, and say what is not.

    Environment, GPU, file system, SLURM, settings and names. Ends with exit code 1 where something is not.

    Example:

        poseflow doctor
    """
    from poseflow.cluster.doctor import Finding, examine
    from poseflow.core.errors import PoseflowError

    findings = list(examine(PLACES.results))
    try:
        from poseflow.runs.checks import check_settings

        plan, settings = _plan(config)
        doubts = [*plan.warnings, *check_settings(settings, plan)]
        findings += [Finding("settings", doubt, is_well=False) for doubt in doubts]
        unknown = [video for video, facts in plan.facts.items() if facts.start is None]
        if unknown:
            said = f"no start with a time zone is known of {len(unknown)} of {len(plan.videos)}: they have no timestamp"
            findings.append(Finding("times", said))
        if not doubts:
            said = f"fit {count_of(len(plan.videos), 'video')} and {count_of(len(plan.labels), 'label file')}"
            findings.append(Finding("settings", said))
    except PoseflowError as error:
        findings.append(Finding("settings", str(error), is_well=False))
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.is_well else 'LOOK'}  {finding.what}: {finding.said}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


def _plan(path: Path) -> "tuple[Plan, Config]":
    """The project in this folder as a run would find it, and its settings; nothing of it is changed."""
    settings = read_project(path)
    from poseflow.runs.facts import FileFacts
    from poseflow.runs.plan import make_plan

    return make_plan(settings, FileFacts(PLACES.facts)), settings


def _tell_more(count: int) -> None:
    if count > MAX_LISTED:
        typer.echo(f"          and {count - MAX_LISTED} more")

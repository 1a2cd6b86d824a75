import json
import os
import signal
import subprocess
from datetime import UTC, datetime
from contextlib import contextmanager
from functools import cache

from poseflow.cluster import call_at_end, cancel_leftovers, list_failed_jobs, surround_execution
from poseflow.core.files import make_temporary_folder, remove_unfinished
from poseflow.runs.summary import FailedStep, RunInputs, summarize_run, tell_failures, write_summary
from poseflow.runs.corrections import keep_saved_over
from poseflow.runs.finished import clear_noted
from poseflow.runs.names import write_names
from poseflow.runs.orphans import set_aside
from poseflow.runs.places import ANY
from poseflow.runs.trainings import forget_cancellations
from poseflow.runs.removal import describe_expired, find_expired, remove
from poseflow.runs.versions import note_versions, settle_versions
from poseflow.runs.lock import INTERRUPTED, end_leftovers, lock_results

IS_INTERRUPTED = False
MAKES_ALL = False  # all that there is to make is asked for
WARNINGS = []  # what the plan left out or set aside, once the run has begun


@cache
def new_videos():
    """Recordings without a pose table, as the run finds them."""
    return [video for video in PLAN.videos if not pose_table(video).exists()]


def nightly_suggestions(wildcards):
    return [PLACES.suggestions(video) for video in new_videos() if video in videos_to_see()]


def begin_run(execution):
    """One run at a time: a second one ends here. The system takes the lock back when this process ends, however.

    What an earlier run that was killed has left, jobs and temporary files, is gone when this returns.
    """
    global RESULTS_LOCK, BEGAN
    BEGAN = datetime.now(UTC)
    try:
        RESULTS_LOCK = lock_results(PLACES.lock)
        end_leftovers(Path.cwd())
        cancel_leftovers(Path.cwd(), must_know=execution.is_on_slurm)
        execution.adapt()
        remove_unfinished(PLACES.results, but_in=PLACES.training(ANY, ANY).name)  # one that goes on removes its own
        make_temporary_folder(PLACES.results)
        write_names(PLAN.names)
    except PoseflowError as error:
        raise WorkflowError(str(error)) from None
    except OSError as error:
        raise WorkflowError(f"{PLACES.results} must be writable for a run, got {error}") from None
    forget_cancellations(PLACES)
    clear_all_noted()
    new_videos()
    WARNINGS.extend(PLAN.warnings)
    keep_corrections()
    set_aside(PLAN.orphans, BEGAN)
    note_versions(PLACES.versions)


def keep_corrections():
    """Keep what people saved over review files, before `track` replaces these; this run follows it."""
    lists = {name: (PLACES.review_list(name), PLACES.review_labels(name)) for name in PLAN.recordings}
    videos = {name: PLAN.paths_of(name) for name in PLAN.recordings}
    for copy in keep_saved_over(lists, videos, Path(CONFIG.review.corrections)):
        said = f"a review file in {PLACES.results} was saved over; what it corrects is kept in {copy}, and followed"
        print(f"warning: {said}", file=sys.stderr)
        WARNINGS.append(said)


@contextmanager
def one_run(execution):
    """A run from its beginning to its end, around all that Snakemake does to carry out the workflow."""
    global MAKES_ALL

    def interrupt(number, frame):
        global IS_INTERRUPTED
        IS_INTERRUPTED = True
        signal.default_int_handler(number, frame)

    check_targets(execution.targets or {"all"})
    MAKES_ALL = execution.makes_all
    if not execution.is_dry_run:
        begin_run(execution)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
        if MAKES_ALL and not execution.is_dry_run:
            drop_expired()  # once more, for a run that had nothing to do, of which Snakemake calls no end
    finally:
        if IS_INTERRUPTED:
            print("Interrupted: the same command goes on from here.", file=sys.stderr)
            raise SystemExit(INTERRUPTED)


def run_inputs(failed=()):
    return RunInputs(
        PLACES.results,
        PLACES.logs,
        BEGAN,
        {video: pose_table(video) for video in PLAN.videos},
        PLAN.shards,
        {video: PLACES.suggestions(video) for video in new_videos()},
        WARNINGS,
        failed,
    )


def failed_steps():
    """The jobs that failed, when all their tries were used up."""
    return [FailedStep(job.rule, videos_of(job.wildcards), job.log) for job in list_failed_jobs(workflow)]


def videos_of(wildcards):
    """The videos that a job is about; none: about all."""
    return [wildcards["video"]] if "video" in wildcards else PLAN.recordings.get(wildcards.get("recording"), ())


def clear_all_noted():
    """Remove what was kept for a run that is killed, of all that this run or an earlier one has noted."""
    for video, recording in PLAN.recording_of.items():
        clear_noted(PLACES.finished(video), PLACES.finished(video), PLACES.tracks(recording))
    for pipeline in PLAN.pipelines.values():
        for model in pipeline.models.keys() & PLAN.versions.keys():
            names = model, PLAN.versions[model]
            clear_noted(PLACES.training(*names), PLACES.model(*names) / "training.json", PLACES.release(pipeline.key))


def end_run(failed=()):
    """Say what was done and what was not."""
    clear_all_noted()
    if not failed and MAKES_ALL:
        settle_versions(PLACES.versions)
        drop_expired()
    write_summary(summarize_run(run_inputs(failed), datetime.now(UTC)), PLACES)


def drop_expired():
    """Remove predictions that are older than they are to be kept, and say so."""
    if CONFIG.keep.predictions:
        days = CONFIG.keep.predictions.days
        if expired := find_expired(PLAN, PLACES, days, BEGAN.timestamp()):
            remove(path for shards in expired.values() for path in shards)
            WARNINGS.append(describe_expired(expired, days))
            print(WARNINGS[-1], file=sys.stderr)


def report_what_is_there(failed=()):
    """The report, by a process of its own, when not all that it should tell of could be made.

    It reads what there is from its standard input: no command line is long enough for thousands of files.
    """
    there = {
        "index": [str(path) for path in index_files(PLAN.videos) if path.exists()],
        "poses": [str(path) for path in map(pose_table, PLAN.videos) if path.exists()],
        "review": [str(path) for path in map(PLACES.review_list, PLAN.recordings) if path.exists()],
        "missing": [*WARNINGS, *tell_failures(run_inputs(failed))],
    }
    command = [sys.executable, "-m", "poseflow", "report", "--out", PLACES.report, "--inputs", "-"]
    command += ["--release", PLACES.current_release] if PLACES.current_release.exists() else []
    subprocess.run(command, check=False, input=json.dumps(there), text=True)
    if PLACES.report.exists():  # older than what it tells of, so that the next run makes that of the rule
        first = min((Path(path).stat().st_mtime for key in ("index", "poses") for path in there[key]), default=1.0)
        os.utime(PLACES.report, (first - 1, first - 1))


def end_failed_run():
    """As `end_run`, with what failed; and the report, unless somebody who interrupts a run would wait for it."""
    end_run(failed_steps())
    if not IS_INTERRUPTED:
        report_what_is_there(failed_steps())

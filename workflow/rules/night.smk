import json
import subprocess
from datetime import UTC, datetime

from poseflow.cluster import cancel_leftovers, mend_status_queries
from poseflow.night import FailedStep, NightInputs, describe_night, tell_failures, write_night
from poseflow.orphans import set_aside
from poseflow.runs import lock_results

WARNINGS = []  # what the plan left out or set aside, once the run has begun
NEW_VIDEOS = [video for video in PLAN.videos if not Path(pose_table(video)).exists()]


def night_suggestions(wildcards):
    return list(map(suggestion_file, NEW_VIDEOS))


def begin_run():
    """One run at a time: a second one ends here. The system takes the lock back when this process ends, however."""
    global RESULTS_LOCK, BEGAN
    BEGAN = datetime.now(UTC)
    try:
        RESULTS_LOCK = lock_results("results/.lock")
    except PoseflowError as error:
        fail(error)
    WARNINGS.extend(PLAN.warnings)
    set_aside(PLAN.orphans, BEGAN)
    if scheduler() == "slurm":
        mend_status_queries(requeue=workflow.executor_settings.requeue)
        cancel_leftovers(Path.cwd())


def night_inputs(failed=()):
    return NightInputs(
        Path("results"),
        Path("logs"),
        BEGAN,
        {video: Path(pose_table(video)) for video in PLAN.videos},
        PLAN.shards,
        {video: Path(suggestion_file(video)) for video in NEW_VIDEOS},
        WARNINGS,
        failed,
    )


def failed_steps():
    """The jobs that failed, when all their tries were used up."""
    jobs = [one for job in workflow.scheduler.failed for one in (job.jobs if job.is_group() else [job])]
    return [FailedStep(job.rule.name, videos_of(job), Path(job.log[0]) if job.log else None) for job in jobs]


def videos_of(job):
    """The videos that a job is about; none: about all."""
    known = job.wildcards_dict
    return [known["video"]] if "video" in known else PLAN.recordings.get(known.get("recording"), ())


def end_run(failed=()):
    """Say what was done and what was not."""
    write_night(describe_night(night_inputs(failed), datetime.now(UTC)), Path("results"))


def report_what_is_there(failed=()):
    """The report, by a process of its own, when not all that it should tell of could be made.

    It reads what there is from its standard input: no command line is long enough for thousands of files.
    """
    there = {
        "index": [path for path in index_files(PLAN.videos) if Path(path).exists()],
        "poses": [path for path in map(pose_table, PLAN.videos) if Path(path).exists()],
        "review": [path for path in map(review_list, PLAN.recordings) if Path(path).exists()],
        "missing": [*WARNINGS, *tell_failures(night_inputs(failed))],
    }
    release = Path("results/promotion/current.json")
    command = [sys.executable, "-m", "poseflow", "report", "--out", "results/report.html", "--inputs", "-"]
    command += ["--release", str(release)] if release.exists() else []
    subprocess.run(command, check=False, input=json.dumps(there), text=True)

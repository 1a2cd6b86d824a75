import subprocess
from datetime import UTC, datetime

from poseflow.cluster import cancel_leftovers, mend_status_queries
from poseflow.night import NightInputs, describe_night, find_missing, say_missing, write_night
from poseflow.runs import lock_results

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
    if scheduler() == "slurm":
        mend_status_queries(requeue=workflow.executor_settings.requeue)
        cancel_leftovers(Path.cwd())


def night_inputs():
    return NightInputs(
        Path("results"),
        Path("logs"),
        BEGAN,
        {video: Path(pose_table(video)) for video in PLAN.videos},
        PLAN.shards,
        {video: Path(suggestion_file(video)) for video in NEW_VIDEOS},
        PLAN.warnings,
    )


def end_run():
    """Say what was done and what was not."""
    write_night(describe_night(night_inputs(), datetime.now(UTC)), Path("results"))


def report_what_is_there():
    """The report, by a process of its own, when not all that it should tell of could be made."""
    there = {
        "--index": [path for path in index_files(PLAN.videos) if Path(path).exists()],
        "--poses": [path for path in map(pose_table, PLAN.videos) if Path(path).exists()],
        "--release": [path for path in ["results/promotion/current.json"] if Path(path).exists()],
        "--review": [path for path in map(review_list, PLAN.recordings) if Path(path).exists()],
        "--missing": [
            *PLAN.warnings,
            *(say_missing(*one, Path("logs")) for one in find_missing(night_inputs()).items()),
        ],
    }
    options = [part for name, values in there.items() for value in values for part in (name, value)]
    command = [sys.executable, "-m", "poseflow", "report", "--out", "results/report.html", *options]
    subprocess.run(command, check=False)

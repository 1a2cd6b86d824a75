"""One run at a time, and no job that outlives its run."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from poseflow.runs.lock import RunError, end_leftovers, hold, lock_results


def python(code, **changes):
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **changes},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


HOLD = "from poseflow.runs.lock import lock_results; lock = lock_results({path!r}); print('held', flush=True); input()"


def test_a_second_run_is_turned_away_and_told_of_the_first(tmp_path):
    with lock_results(tmp_path / "lock"):
        second = python(HOLD.format(path=str(tmp_path / "lock")))
        _, error = second.communicate(timeout=30)
    assert second.returncode != 0
    assert f"only one run may work on these results, got a second; the first is process {os.getpid()}" in error


def test_a_lock_ends_with_its_holder_killed_or_not(tmp_path):
    path = tmp_path / "results" / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(path=str(path))], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(RunError, match=f"process {holder.pid}"):
            lock_results(path)
        holder.kill()
        holder.wait(timeout=30)
    lock_results(path).close()


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
@pytest.mark.parametrize("wait", [True, False])
def test_without_locks_one_warning_says_that_nothing_guards(tmp_path, monkeypatch, caplog, number, wait):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    if wait:
        with (tmp_path / "lock").open("w") as lock:
            hold(lock, wait=True)
    else:
        lock_results(tmp_path / "lock").close()
    assert [record.message for record in caplog.records] == [
        f"{tmp_path}/lock: this file system has no locks: nothing guards against a second process"
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_lock_of_somebody_else_is_an_error_that_says_what_is_asked_for(tmp_path):
    (tmp_path / "lock").touch(0o444)
    with pytest.raises(RunError, match="must be writable for all who share these results"):
        lock_results(tmp_path / "lock")


def test_what_a_killed_run_left_on_this_machine_is_ended_and_nothing_else(tmp_path):
    """Neither what has a run that lives, nor what works in another folder."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    dead = python("")
    dead.wait()
    marked = {"left": (dead.pid, tmp_path), "other": (dead.pid, elsewhere), "living": (os.getpid(), tmp_path)}
    code = "import time; print('up', flush=True); time.sleep(60)"
    jobs = {
        name: subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=folder,
            env={**os.environ, "POSEFLOW_MAIN_PROCESS": str(main)},
            stdout=subprocess.PIPE,
        )
        for name, (main, folder) in marked.items()
    }
    try:
        for job in jobs.values():
            assert job.stdout.readline() == b"up\n"
        assert end_leftovers(tmp_path) == [jobs["left"].pid]
        assert [name for name, job in jobs.items() if job.poll() is not None] == ["left"]
    finally:
        for job in jobs.values():
            job.kill()
            job.communicate()


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_a_job_ends_when_its_run_is_killed():
    job = (
        "from poseflow.runs.lock import end_with_run; import time;"
        "end_with_run(); print('up', flush=True); time.sleep(60)"
    )
    main = python(
        "import subprocess, sys; from poseflow.runs.lock import announce_run; announce_run();"
        f"job = subprocess.Popen([sys.executable, '-c', {job!r}], stdout=subprocess.PIPE, text=True);"
        "job.stdout.readline(); print(job.pid, flush=True); job.wait()"
    )
    with main:
        pid = int(main.stdout.readline())
        assert is_running(pid)
        main.send_signal(signal.SIGKILL)
        main.wait(timeout=30)
    wait_for(lambda: not is_running(pid))


def test_a_job_without_a_run_minds_its_own_business():
    alone = python(
        "from poseflow.runs.lock import end_with_run; end_with_run(); print('done')", POSEFLOW_MAIN_PROCESS=""
    )
    assert alone.communicate(timeout=30)[0] == "done\n"


@pytest.mark.parametrize(
    ("raised", "in_log", "on_terminal"),
    [
        ("poseflow.core.errors.ConfigError('a must be b, got c')", "error: a must be b, got c\n", True),
        ("ZeroDivisionError('oh')", "Traceback", False),
    ],
    ids=["the user's to mend", "ours to mend"],
)
def test_a_failing_job_says_why_in_its_log(tmp_path, raised, in_log, on_terminal):
    log = tmp_path / "logs" / "job.log"
    job = python(
        f"import poseflow.core.errors; from poseflow.runs.lock import begin_job; begin_job({str(log)!r});"
        f"print('hello', flush=True); raise {raised}"
    )
    output, error = job.communicate(timeout=30)
    assert job.returncode == 1
    assert output == ""
    text = log.read_text()
    assert text.startswith("hello\n")
    assert in_log in text
    assert (error == in_log) if on_terminal else (error == "")


SWALLOW = """
import signal, time
from poseflow.runs.lock import end_after_interrupt
signal.signal(signal.SIGINT, lambda *_: None)  # lost, as in a callback of a C library
end_after_interrupt(patience_s=0.2)
print("up", flush=True)
while True:
    time.sleep(60)
"""


def test_an_interrupt_that_is_swallowed_ends_the_process_all_the_same():
    with python(SWALLOW) as process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130

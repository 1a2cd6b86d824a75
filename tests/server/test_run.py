"""Runs started, followed and stopped, and networks, as the page does it; `snakemake` is a small program here."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_results import SKELETON, write_model
from served_project import Browser, Server, make_results, read_events

from poseflow.cluster.queue import list_jobs, parse_duration
from poseflow.core.files import write_json
from poseflow.runs.lock import lock_results
from poseflow.runs.places import PLACES
from poseflow.runs.promotion import Comparison, Decision, add_to_history, choose_release
from poseflow.runs.releases import Release, write_release
from poseflow.runs.trainings import read_stop_request, work_folder
from poseflow.server.runs.trainings import read_curves
from poseflow.steps.promote import put_in_use

FAKE = """
import os, signal, sys, time
print("snakemake", *sys.argv[1:], flush=True)
if "-n" in sys.argv:
    print("job        count\\n-------  -------\\npredict        3\\ntotal          3\\n")
    sys.exit(0)
child = os.fork()
if not child:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    time.sleep(60)
    os._exit(0)
try:
    print("child", child, flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """The server's process notes Ctrl-C, as uvicorn sees to; what a shell puts in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def browser(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    (project / "snakemake").mkdir(exist_ok=True)
    (project / "snakemake/__init__.py").touch()
    (project / "snakemake/__main__.py").write_text(FAKE)  # `python -m snakemake`, in the project's folder
    for name in ("local", "profiles/default", "profiles/lsf"):
        (project / name).mkdir(parents=True, exist_ok=True)
        (project / name / "config.yaml").write_text("cores: 1\n")
    monkeypatch.setenv("PYTHONPATH", str(project))
    running = Server()
    yield running.browser
    running.stop()


def wait_for(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    assert holds()


@pytest.mark.slow
def test_profiles_are_those_of_the_project(browser: Browser) -> None:
    assert browser.get("/api/session").json["profiles"] == ["local", "lsf"]


@pytest.mark.parametrize(
    "message",
    [
        {"profile": "slurm"},
        {"profile": "../local"},
        {"profile": "local; rm -rf /"},
        {"profile": "--config"},
        {"profile": "local", "target": "--forceall"},
        {"profile": "local", "target": "results/x"},
        {"profile": "local", "more": "x"},
    ],
)
@pytest.mark.parametrize("what", ["plan", "start"])
def test_only_what_is_listed_can_be_run(browser: Browser, what: str, message: dict[str, str]) -> None:
    assert browser.post(f"/api/run/{what}", message).json["error"] == "invalid"


def test_a_plan_says_what_would_be_done_and_by_which_command(browser: Browser) -> None:
    plan = browser.post("/api/run/plan", {"profile": "local", "target": "nightly"}).json
    assert plan["command"] == ["snakemake", "--profile", "local", "nightly"]
    assert plan["jobs"] == [{"rule": "predict", "count": 3}]
    assert plan["fault"] is None
    assert plan["lines"][0] == "snakemake --profile local nightly -n"


@pytest.mark.slow
def test_a_run_is_followed_and_stopped_with_all_its_processes(browser: Browser) -> None:
    state = browser.post("/api/run/start", {"profile": "local"}).json
    assert (state["running"], state["ours"], state["profile"], state["exit_code"]) == (True, True, "local", None)
    wait_for(lambda: len(browser.get("/api/run").json["tail"]) == 2)
    tail = browser.get("/api/run").json["tail"]
    assert tail[0] == "snakemake --profile local"
    child = int(tail[1].split()[1])
    assert browser.post("/api/run/start", {"profile": "local"}).json["error"] == "refused"
    browser.post("/api/run/stop", {})
    wait_for(lambda: not browser.get("/api/run").json["ours"])
    ended = browser.get("/api/run").json
    assert "interrupted" in ended["tail"]
    wait_for(lambda: browser.get("/api/run").json["exit_code"] == 130)
    wait_for(lambda: not Path(f"/proc/{child}").exists())
    assert browser.post("/api/run/stop", {}).json["error"] == "refused"


@pytest.mark.slow
def test_a_run_goes_on_without_the_page_and_is_found_again(browser: Browser) -> None:
    browser.post("/api/run/start", {"profile": "local"})
    again = Server()
    try:
        assert again.browser.get("/api/run").json["ours"]
        again.browser.post("/api/run/stop", {})
        wait_for(lambda: not again.browser.get("/api/run").json["ours"])
    finally:
        again.stop()


def test_one_video_alone_is_done_again(browser: Browser) -> None:
    assert browser.post("/api/run/again", {"video": "../clip"}).status == 404
    assert browser.post("/api/run/again", {"video": "clip", "profile": "--force"}).json["error"] == "invalid"
    state = browser.post("/api/run/again", {"video": "clip"}).json
    assert state["command"] == ["snakemake", "--profile", "local", "results/poses/clip/clip.parquet"]
    browser.post("/api/run/stop", {})
    wait_for(lambda: not browser.get("/api/run").json["ours"])


def test_a_number_that_is_another_process_now_is_not_ours(browser: Browser) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"], start_new_session=True)
    try:
        note = {"process": other.pid, "born": 1.0, "began": "2026-01-01", "command": ["a"] * 4, "profile": "local"}
        write_json(note, PLACES.log("page", "run").with_suffix(".json"))
        assert not browser.get("/api/run").json["ours"]
        assert browser.post("/api/run/stop", {}).json["error"] == "refused"
        assert other.poll() is None
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()


@pytest.mark.slow
def test_failures_come_with_the_end_of_their_logs_and_steps_with_their_counts(browser: Browser) -> None:
    make_results()
    PLACES.pose_table("clip", "clip").unlink()
    log = PLACES.log("assemble", "clip", "clip")
    log.parent.mkdir(parents=True, exist_ok=True)
    assert browser.page is not None
    browser.page.overview.forget_status()
    log.write_text("".join(f"line {number}\n" for number in range(50)) + "MemoryError: <b>too little</b>\n")
    state = browser.get("/api/run").json
    [failure] = state["failed"]
    assert (failure["video"], failure["rule"], failure["reason"]) == (
        "clip",
        "assemble",
        "MemoryError: <b>too little</b>",
    )
    assert failure["lines"] == [*(f"line {number}" for number in range(31, 50)), "MemoryError: <b>too little</b>"]
    counts = {one["rule"]: (one["done"], one["total"]) for one in state["rules"]}
    assert counts == {"index": (1, 1), "predict": (2, 2), "track": (1, 1), "assemble": (0, 1)}
    log.unlink()
    make_results()


def test_jobs_are_those_of_this_project_in_the_queue(
    browser: Browser, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        f"71|a1b2|RUNNING|None|node3|1-02:03:04|10:00|gpu|2026-11-29T20:00:00|{project}|rule_predict_wildcards_clip_x",
        f"72|train_centroid|PENDING|Resources||0:00|UNLIMITED|gpu|N/A|{project}|(null)",
        "73|another|RUNNING|None|node3|0:01|10:00|gpu|2026-11-29T20:00:00|/elsewhere|rule_predict",
    ]
    fake = tmp_path / "squeue"
    fake.write_text("#!/bin/sh\ncat <<'END'\n" + "\n".join(rows) + "\nEND\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    jobs = browser.get("/api/run/jobs").json
    assert [(one["id"], one["rule"], one["of"], one["node"]) for one in jobs["jobs"]] == [
        ("71", "predict", "clip_x", "node3"),
        ("72", None, None, None),
    ]
    assert (jobs["jobs"][0]["elapsed_s"], jobs["jobs"][0]["left_s"], jobs["jobs"][1]["left_s"]) == (93784, 600, None)
    fake.write_text("#!/bin/sh\nexit 1\n")
    assert list_jobs(project) is None
    assert browser.get("/api/run/jobs").json["fault"] == "squeue does not answer"


@pytest.mark.parametrize(("text", "seconds"), [("0:07", 7), ("1:00:00", 3600), ("INVALID", None), ("", None)])
def test_durations_are_read_as_slurm_writes_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def add_release(name: str) -> None:
    models = {"centroid": str(PLACES.model("centroid", name))}
    release = Release(id=name, models=models, kinds={"centroid": "centroid"}, skeleton=SKELETON, version="0")
    write_release(release, PLACES.release(name))


@pytest.fixture
def releases(project: Path) -> Iterator[None]:
    """Release `one` in use, `two` compared with it and kept out."""
    for name in ("one", "two"):
        add_release(name)
    compared = Comparison(candidate=0.8, incumbent=0.81, low=-0.02, high=0.01, frames=50, blocks=9)
    for event, candidate, incumbent, current in (("first", "one", None, "one"), ("kept", "two", "one", "one")):
        decision = Decision(
            time=datetime.now(UTC),
            event=event,
            candidate=candidate,
            incumbent=incumbent,
            current=current,
            reason="it is so",
            comparison=compared if event == "kept" else None,
        )
        add_to_history(decision, PLACES.history)
    PLACES.current_release.write_text(PLACES.release("one").read_text())
    write_json({"map_coco": 0.7, "errors_px": {"all": {"p50": 1.5}}, "animals": 9}, PLACES.metrics("data", "two"))
    yield
    PLACES.history.unlink()


def test_releases_are_compared_put_in_use_and_taken_back(browser: Browser, releases: None) -> None:
    shown = browser.get("/api/networks").json
    assert (shown["current"], shown["candidate"]) == ("one", "two")
    assert shown["decisions"][0]["comparison"]["low"] == -0.02
    two = next(one for one in shown["releases"] if one["id"] == "two")
    assert two["can_promote"] and not two["can_roll_back"] and not two["in_use"]
    assert (two["metrics"]["map_coco"], two["metrics"]["p50_px"]) == (0.7, 1.5)
    assert browser.post("/api/networks/promote", {"release": "two"}).json["current"] == "two"
    assert '"two"' in PLACES.current_release.read_text()
    assert browser.post("/api/networks/rollback", {}).json["current"] == "one"
    refused = browser.post("/api/networks/promote", {"release": "three"}).json
    assert refused["error"] == "refused" and "former candidate" in refused["message"]


def test_nothing_is_promoted_while_a_run_is_at_work(browser: Browser, releases: None) -> None:
    with lock_results(PLACES.lock):
        assert browser.post("/api/networks/promote", {"release": "two"}).json["error"] == "refused"


def test_models_show_their_curves_and_pictures(browser: Browser) -> None:
    write_model(PLACES.model("centroid", "0123456789"))
    [model] = browser.get("/api/networks").json["models"]
    assert (model["name"], model["version"], model["kind"], model["best_epoch"]) == (
        "centroid",
        "0123456789",
        "centroid",
        7,
    )
    curves = browser.get("/api/networks/centroid/0123456789/curves").json
    assert curves["columns"]["epoch"] == list(range(1, 9)) and len(curves["columns"]["val_loss"]) == 8
    picture = browser.get(f"/api/networks/centroid/0123456789/pictures/{model['pictures'][0]}")
    assert picture.headers["content-type"] == "image/png" and picture.body[:4] == b"\x89PNG"
    for path in ("centroid/x/curves", "centroid/0123456789/pictures/..%2ftraining.json", "..%2f..%2f/x/curves"):
        assert browser.get(f"/api/networks/{path}").status == 404


def test_the_best_epoch_is_marked_by_oks_where_that_is_measured(tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_text("epoch,val_loss,val_oks\n1,0.3,0.5\n2,0.2,0.7\n3,0.1,0.6\n4,0.15,0.7\n")
    assert read_curves(tmp_path).best_epoch == 4
    history.write_text("epoch,val_loss\n1,0.3\n2,0.1\n3,0.2\n")
    assert read_curves(tmp_path).best_epoch == 2


@pytest.fixture
def training(project: Path) -> Iterator[Path]:
    """What a training at work has so far; of the model itself there is an empty folder, which Snakemake makes first."""
    work = work_folder(PLACES.training("centered_instance", "9876543210") / "model")
    model = PLACES.model("centered_instance", "9876543210")
    write_model(work)
    model.mkdir(parents=True)
    yield work
    shutil.rmtree(work.parent, ignore_errors=True)
    shutil.rmtree(model)


def test_curves_of_a_training_at_work_are_its_own(browser: Browser, training: Path) -> None:
    curves = browser.get("/api/networks/centered_instance/9876543210/curves").json
    assert curves["columns"]["epoch"] == list(range(1, 9))


def test_tabs_are_told_when_a_training_begins_goes_on_and_ends_and_when_a_release_is_put_in_use(
    browser: Browser, releases: None
) -> None:
    events = read_events(browser, 6)
    for _ in range(2):  # of who is there
        next(events)
    assert browser.page is not None
    look = browser.page.watch.look
    look()
    work = work_folder(PLACES.training("centered_instance", "9876543210") / "model")
    write_model(work)
    look()
    assert next(events)["type"] == "networks"
    with (work / "history.csv").open("a") as history:
        history.write("9,0.1,0.1,0.1,90\n")
    look()
    assert next(events)["type"] == "networks"
    shutil.rmtree(work.parent)
    look()
    assert next(events)["type"] == "networks"
    put_in_use(lambda history: choose_release(history, "two"), PLACES)  # `poseflow promote`, say
    look()
    assert next(events)["type"] == "networks"


@pytest.mark.parametrize(("what", "keep"), [("stop", True), ("cancel", False)])
def test_a_training_is_stopped_early_or_cancelled(browser: Browser, what: str, keep: bool) -> None:
    work = work_folder(PLACES.training("centered_instance", "9876543210") / "model")
    write_model(work)
    with lock_results(PLACES.lock):
        time.sleep(0.01)
        browser.page.overview.forget_status()  # type: ignore[union-attr]
        [training] = browser.get("/api/networks").json["trainings"]
        assert (training["state"], training["epoch"], training["can_stop"]) == ("running", 8, True)
        assert training["epochs"] and training["loss"] > 0 and training["seconds_left"] > 0
        answer = browser.post(f"/api/networks/centered_instance/9876543210/{what}", {"author": "bob"})
        [shown] = answer.json["trainings"]
        assert shown["stopping"] and not shown["can_stop"]
        request = read_stop_request(work)
        assert request is not None and (request.keep, request.by) == (keep, "bob")
    shutil.rmtree(work.parent)
    assert browser.post(f"/api/networks/centered_instance/9876543210/{what}", {"author": "bob"}).status == 404

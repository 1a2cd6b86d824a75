"""Routes about runs of the workflow, and about networks."""

import os
import shutil
from dataclasses import asdict
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poseflow.cluster.queue import list_jobs
from poseflow.runs.promotion import choose_release, roll_back
from poseflow.runs.trainings import request_stop
from poseflow.server.errors import RefusedError, unknown
from poseflow.server.messages.claims import NetworksEvent, RunEvent
from poseflow.server.messages.common import Message
from poseflow.server.messages.run import (
    AgainPost,
    Curves,
    Empty,
    EndTrainingPost,
    Failure,
    Job,
    Jobs,
    Networks,
    PlanPost,
    ReleasePost,
    RuleCount,
    RunPlan,
    RunState,
)
from poseflow.server.page import Page
from poseflow.server.routes.routing import get, post
from poseflow.server.runs.control import read_tail, show
from poseflow.server.runs.trainings import (
    describe_networks,
    find_model_folder,
    find_work,
    list_pictures,
    list_trainings,
    read_curves,
)
from poseflow.steps.promote import put_in_use

LOG_LINES = 20
MOST_FAILURES = 200


def routes() -> list[Route]:
    """All of them."""
    model = "/api/networks/{model}/{version}"
    return [
        get("/api/run", tell_state),
        get("/api/run/jobs", list_queue),
        post("/api/run/plan", PlanPost, plan_run),
        post("/api/run/start", PlanPost, start_run),
        post("/api/run/again", AgainPost, run_again),
        post("/api/run/stop", Empty, stop_run),
        get("/api/networks", tell_networks),
        post("/api/networks/promote", ReleasePost, promote),
        post("/api/networks/rollback", ReleasePost, go_back),
        get(f"{model}/curves", give_curves),
        get(f"{model}/pictures/{{name}}", give_picture),
        post(f"{model}/stop", EndTrainingPost, stop_training),
        post(f"{model}/cancel", EndTrainingPost, cancel_training),
    ]


def tell_state(page: Page, request: Request) -> RunState:
    """How things stand."""
    project, places = page.project, page.project.places
    plan, status = project.plan(), page.overview.status()
    assert status is not None
    noted, is_ours = page.run.noted(), page.run.is_at_work()
    failed = [
        Failure(
            video=one.video,
            recording=plan.recording_of.get(one.video, one.video),
            rule=one.rule,
            reason=one.reason,
            log=str(one.log),
            lines=read_tail(one.log, LOG_LINES),
        )
        for one in status.failed[:MOST_FAILURES]
    ]
    return RunState(
        running=status.is_running or is_ours,
        ours=is_ours,
        command=show(noted["command"]) if noted else None,
        profile=noted.get("profile"),
        began=noted.get("began"),
        ended=noted.get("ended"),
        exit_code=noted.get("code"),
        tail=page.run.tail() if noted else [],
        done=len(status.done),
        at_work=len(status.running),
        waiting=len(status.waiting),
        failed=failed,
        seconds_left=status.seconds_left,
        sizes=dict(status.sizes),
        day_bytes=status.day_bytes,
        rules=_count_rules(page, len(status.done)),
        trainings=list_trainings(places, status.is_running),
        warnings=list(plan.warnings),
        summary=_read_text(places.summary),
    )


def _count_rules(page: Page, assembled: int) -> list[RuleCount]:
    """How much there is of each step on the way to pose tables."""
    plan, places = page.project.plan(), page.project.places
    shards = sum(len(own) for own in plan.shards.values())
    made = sum(_count_made(places.predictions(video), set(own)) for video, own in plan.shards.items())
    indexes = _count_made(places.index("*").parent, set(plan.videos))
    tracks = _count_made(places.tracks("*").parent, set(plan.recordings))
    return [
        RuleCount(rule="index", done=indexes, total=len(plan.videos)),
        RuleCount(rule="predict", done=made, total=shards),
        RuleCount(rule="track", done=tracks, total=len(plan.recordings)),
        RuleCount(rule="assemble", done=assembled, total=len(plan.videos)),
    ]


def _count_made(folder: Path, wanted: set[str]) -> int:
    """How many of some names a folder has files of."""
    try:
        with os.scandir(folder) as entries:
            return sum(entry.name.rpartition(".")[0] in wanted for entry in entries)
    except OSError:
        return 0


def _read_text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None


def list_queue(page: Page, request: Request) -> Jobs:
    """This project's jobs in SLURM's queue."""
    if shutil.which("squeue") is None:
        return Jobs(slurm=False, jobs=[], fault=None)
    found = list_jobs(page.project.folder)
    if found is None:
        return Jobs(slurm=True, jobs=[], fault="squeue does not answer")
    jobs = [Job(**asdict(one)) for one in found]
    return Jobs(slurm=True, jobs=jobs, fault=None)


def plan_run(page: Page, request: Request, message: PlanPost) -> RunPlan:
    """What a run would do."""
    return page.run.plan(message.profile, message.target)


def start_run(page: Page, request: Request, message: PlanPost) -> RunState:
    """Start a run."""
    return _start(page, request, page.run.command(message.profile, message.target), message.profile)


def run_again(page: Page, request: Request, message: AgainPost) -> RunState:
    """Start a run of what a video lacks alone."""
    recording = page.project.plan().recording_of.get(message.video)
    if recording is None:
        raise unknown("video", message.video)
    profile = message.profile or page.run.noted().get("profile") or next(iter(page.find_profiles()), "")
    wanted = page.project.places.pose_table(recording, message.video)
    return _start(page, request, page.run.command(profile, None, [wanted]), profile)


def _start(page: Page, request: Request, command: list[str], profile: str) -> RunState:
    status = page.overview.status()
    if status is not None and status.is_running:
        raise RefusedError(409, "refused", "a run is at work already")
    page.run.start(command, profile, lambda: tell_run(page))
    tell_run(page)
    return tell_state(page, request)


def tell_run(page: Page) -> None:
    """Tell the tabs that a run began or ended."""
    page.overview.forget_status()
    status = page.overview.status()
    if status is not None:
        is_running = status.is_running or page.run.is_at_work()
        page.hub.publish(RunEvent(running=is_running, done=len(status.done), failed=len(status.failed)))


def stop_run(page: Page, request: Request, message: Message) -> RunState:
    """Stop the run that was started here."""
    page.run.stop()
    return tell_state(page, request)


def tell_networks(page: Page, request: Request) -> Networks:
    """All about networks."""
    status = page.overview.status()
    return describe_networks(page.project.places, status is not None and status.is_running)


def promote(page: Page, request: Request, message: ReleasePost) -> Networks:
    """Put a former candidate in use."""
    if message.release is None:
        raise RefusedError(422, "invalid", "release must be given")
    wanted = message.release
    put_in_use(lambda history: choose_release(history, wanted), page.project.places)
    return _tell_changed(page, request)


def go_back(page: Page, request: Request, message: ReleasePost) -> Networks:
    """Go back to a release that was in use before."""
    put_in_use(lambda history: roll_back(history, message.release), page.project.places)
    return _tell_changed(page, request)


def _tell_changed(page: Page, request: Request) -> Networks:
    page.hub.publish(NetworksEvent())
    return tell_networks(page, request)


def _folder_of(page: Page, request: Request) -> Path:
    model, version = request.path_params["model"], request.path_params["version"]
    folder = find_model_folder(page.project.places, model, version)
    if folder is None:
        raise unknown("model", f"{model} {version}")
    return folder


def give_curves(page: Page, request: Request) -> Curves:
    """How a training's losses went."""
    return read_curves(_folder_of(page, request))


def give_picture(page: Page, request: Request) -> Response:
    """A picture of a model's maps."""
    pictures, name = list_pictures(_folder_of(page, request)), request.path_params["name"]
    if name not in pictures:
        raise unknown("picture", name)
    return Response(pictures[name].read_bytes(), headers={"cache-control": "no-cache"}, media_type="image/png")


def stop_training(page: Page, request: Request, message: EndTrainingPost) -> Networks:
    """End a training with its best weights."""
    return _end_training(page, request, message.author, keep=True)


def cancel_training(page: Page, request: Request, message: EndTrainingPost) -> Networks:
    """End a training without a result."""
    return _end_training(page, request, message.author, keep=False)


def _end_training(page: Page, request: Request, author: str, keep: bool) -> Networks:
    places, model, version = page.project.places, request.path_params["model"], request.path_params["version"]
    if (model, version) not in places.find_trainings():
        raise unknown("training", f"{model} {version}")
    request_stop(find_work(places, model, version), keep, author)
    page.hub.publish(NetworksEvent())
    return tell_networks(page, request)

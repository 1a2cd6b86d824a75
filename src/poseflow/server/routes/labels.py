"""Routes about labels."""

import numpy as np
from starlette.requests import Request
from starlette.routing import Route

from poseflow.core.skeleton import Skeleton
from poseflow.server.messages.claims import LabelsEvent
from poseflow.server.messages.common import SkeletonFacts
from poseflow.server.messages.labels import (
    CreatePost,
    FramePost,
    LabelAnimal,
    LabeledFrames,
    LabelFile,
    LabelFiles,
    LabelFrame,
    RemovePost,
    SkeletonPost,
    StartingPoints,
    Suggestions,
    SuggestPost,
)
from poseflow.server.page import Page
from poseflow.server.poses.tables import find_tables
from poseflow.server.poses.windows import read_window
from poseflow.server.routes.routing import get, post, text, whole


def routes() -> list[Route]:
    """All of them."""
    return [
        get("/api/labels", list_files),
        get("/api/labels/frames", list_frames),
        get("/api/labels/frame", give_frame),
        post("/api/labels/frame", FramePost, save_frame),
        post("/api/labels/frame/remove", RemovePost, remove_frame),
        post("/api/labels/create", CreatePost, create_file),
        post("/api/labels/skeleton", SkeletonPost, set_skeleton),
        get("/api/labels/suggestions", tell_suggestions),
        post("/api/labels/suggest", SuggestPost, suggest),
        get("/api/labels/predictions", give_predictions),
    ]


def list_files(page: Page, request: Request) -> LabelFiles:
    """All label files."""
    return page.labels.list_files()


def list_frames(page: Page, request: Request) -> LabeledFrames:
    """Frames of a label file."""
    return page.labels.list_frames(text(request, "file"))


def give_frame(page: Page, request: Request) -> LabelFrame:
    """A frame of a label file."""
    return page.labels.read_frame(text(request, "file"), text(request, "video"), whole(request, "frame"))


def save_frame(page: Page, request: Request, message: FramePost) -> LabelFrame:
    """Set the animals of a frame; it is on disk when this is answered."""
    saved = page.labels.write_frame(message.file, message.video, message.frame, message.animals, message.revision)
    _tell(page, saved, message.author)
    return saved


def remove_frame(page: Page, request: Request, message: RemovePost) -> LabelFrame:
    """Make a frame no label any more."""
    saved = page.labels.remove_frame(message.file, message.video, message.frame, message.revision)
    _tell(page, saved, message.author)
    return saved


def _tell(page: Page, saved: LabelFrame, author: str) -> None:
    page.hub.publish(
        LabelsEvent(file=saved.file, video=saved.video, frame=saved.frame, author=author, revision=saved.revision)
    )


def create_file(page: Page, request: Request, message: CreatePost) -> LabelFile:
    """Make a label file."""
    return page.labels.create(message.name, _as_skeleton(message.skeleton), message.tracks)


def set_skeleton(page: Page, request: Request, message: SkeletonPost) -> LabelFile:
    """Give a file without labels another skeleton."""
    return page.labels.set_skeleton(message.file, _as_skeleton(message.skeleton))


def _as_skeleton(said: SkeletonFacts) -> Skeleton:
    return Skeleton(nodes=tuple(said.nodes), edges=tuple(said.edges), symmetries=tuple(said.symmetries))


def tell_suggestions(page: Page, request: Request) -> Suggestions:
    """How far the choice of frames is."""
    return page.suggester.tell(text(request, "file"))


def suggest(page: Page, request: Request, message: SuggestPost) -> Suggestions:
    """Begin to choose frames."""
    return page.suggester.begin(message)


def give_predictions(page: Page, request: Request) -> StartingPoints:
    """Animals that a network found in a frame, to start from."""
    video, frame = text(request, "video"), whole(request, "frame")
    page.project.path_of(video)
    recording = page.project.plan().recording_of[video]
    window = read_window(find_tables(page.project, recording, video), frame, frame + 1)
    animals = []
    for place in range(len(window)):
        points = window.points[place].astype(np.float64)
        is_set = np.isfinite(points).all(axis=1)
        if not is_set.any():
            continue
        code = int(window.name[place])
        animals.append(
            LabelAnimal(
                points=[(float(x), float(y)) if known else None for (x, y), known in zip(points, is_set, strict=True)],
                visible=is_set.tolist(),
                track=window.names[code] if code >= 0 else None,
                predicted=True,
                score=float(window.score[place]),
            )
        )
    return StartingPoints(animals=animals, nodes=list(window.nodes))

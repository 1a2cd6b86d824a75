"""Routes about the project, its recordings, and frames."""

import os
import shutil
from datetime import timedelta

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poseflow import __version__
from poseflow.core.errors import ConfigError, TableError
from poseflow.core.skeleton import Skeleton
from poseflow.exchange.slp import number_of
from poseflow.media import VideoIndex
from poseflow.server.blocks import pack_blocks
from poseflow.server.errors import RefusedError, unknown
from poseflow.server.frames.packets import may_be_packets
from poseflow.server.frames.stills import SIZES, Size
from poseflow.server.messages.common import Message, Session, SkeletonFacts
from poseflow.server.messages.recordings import Recording, RecordingList, VideoFacts
from poseflow.server.page import Page
from poseflow.server.poses.tables import VideoTables, find_tables
from poseflow.server.routes.routing import BINARY, frame_range, get, whole
from poseflow.tracking.recording import arrange_files

FOR_GOOD = "private, max-age=31536000, immutable"
VIEWS = ["recordings", "run", "label", "proofread", "networks"]
MOST_TIMES = 1_000_000


def routes() -> list[Route]:
    """All of them."""
    return [
        get("/api/session", tell_session),
        get("/api/recordings", list_recordings),
        get("/api/recordings/{recording}", describe_recording),
        get("/api/recordings/{recording}/videos/{video}/times", give_times),
        get("/api/videos/{video}/still", give_still),
        get("/api/videos/{video}/packets", give_packets),
    ]


def tell_session(page: Page, request: Request) -> Session:
    """What a tab is told first."""
    project = page.project
    return Session(
        project=project.folder.name,
        path=str(project.folder),
        version=__version__,
        author=page.author,
        read_only=page.read_only,
        slurm=shutil.which("squeue") is not None,
        profiles=page.find_profiles(),
        views=VIEWS,
        hostname=os.uname().nodename,
        started=project.started.isoformat(),
    )


def list_recordings(page: Page, request: Request) -> RecordingList:
    """All recordings."""
    return page.overview.list_recordings()


def describe_recording(page: Page, request: Request) -> Recording:
    """All that a view of a recording begins with."""
    name = request.path_params["recording"]
    project = page.project
    videos = project.recording(name)
    plan, config = project.plan(), project.config
    tables = {video: _tables(page, name, video) for video in videos}
    indexes: dict[str, VideoIndex | None] = {}
    waiting = None
    for video in videos:
        try:
            indexes[video] = project.index(video)
        except RefusedError as refusal:
            waiting = waiting or refusal
    if waiting is not None:
        raise waiting
    known = {video: index for video, index in indexes.items() if index is not None}
    offsets = _find_offsets(page, known)
    facts = [plan.facts[video] for video in videos if video in plan.facts]
    own = facts[0].configure(config) if facts else config
    whole_tables = [one for one in tables.values() if one is not None]
    skeleton = next((one.skeleton for one in whole_tables if one.skeleton), None)
    made = [*(own.tracking.names or ()), *(name for one in whole_tables for name in one.names)]
    book, _ = page.claims.read(name)
    said = [called for claim in book.claims if (called := getattr(claim, "name", None)) and not is_track(called)]
    state, reason = page.overview.state_of(name)
    described = [
        _describe_video(page, name, video, known[video], tables[video], offsets.get(video, 0)) for video in videos
    ]
    return Recording(
        name=name,
        state=state,
        reason=reason,
        videos=described,
        names=list(dict.fromkeys([*made, *said])),
        animals=own.tracking.animals,
        skeleton=describe_skeleton(skeleton) if skeleton else None,
        release=next((one.release for one in whole_tables if one.release), None),
        pixels_per_mm=next((one.pixels_per_mm for one in facts if one.pixels_per_mm), config.videos.pixels_per_mm),
        facts=dict(facts[0].columns) if facts else {},
        problems=[f"{video.name}: {problem}" for video in described for problem in video.problems],
        tables="+".join(one.stamp for one in whole_tables) or None,
    )


def is_track(name: str) -> bool:
    """Whether a name is that of a track without one."""
    return number_of(name) is not None


def describe_skeleton(skeleton: Skeleton) -> SkeletonFacts:
    """A skeleton as it is sent."""
    return SkeletonFacts(
        nodes=list(skeleton.nodes),
        edges=list(skeleton.edges),
        symmetries=list(skeleton.symmetries),
    )


def _tables(page: Page, recording: str, video: str) -> VideoTables | None:
    """Tables of a video; None for damaged ones, which keep nobody from looking at frames."""
    try:
        return find_tables(page.project, recording, video)
    except TableError:
        return None


def _find_offsets(page: Page, indexes: dict[str, VideoIndex]) -> dict[str, int]:
    """Frame of the recording at which each video begins."""
    plan = page.project.plan()
    starts = {video: start for video in indexes if (start := plan.facts[video].start) is not None}
    try:
        files = arrange_files({video: [] for video in indexes}, indexes, starts)
    except ConfigError:  # they overlap: each by itself
        return {}
    return {file.video: file.start for file in files}


def _describe_video(
    page: Page, recording: str, video: str, index: VideoIndex, tables: VideoTables | None, offset: int
) -> VideoFacts:
    start = page.project.plan().facts[video].start or index.recorded_at
    path = page.project.path_of(video)
    source = tables.source if tables else "none"
    is_there = path.exists()
    return VideoFacts(
        name=video,
        fingerprint=page.project.fingerprint(video),
        frames=index.frames,
        width=index.width,
        height=index.height,
        channels=index.channels,
        fps=index.fps,
        variable_fps=index.variable_fps,
        duration_s=index.duration_s if len(index.timestamps) else None,
        start=start.isoformat() if start else None,
        offset_s=timedelta(seconds=offset / index.fps).total_seconds() if index.fps else 0.0,
        offset_frames=offset,
        state="quarantined" if not index.is_ok else "ok" if is_there else "missing",
        reason=index.reason,
        problems=list(index.problems),
        codec=index.codec,
        packets=is_there and may_be_packets(index),
        rotation=index.rotation,
        keyframes=len(index.keyframes),
        poses={"tracks": "tracked", "predictions": "predicted", "none": "none"}[source],
        file=path.name.encode(errors="surrogateescape").decode("utf-8", "replace"),
        failed_frames=len(tables.failed) if tables else 0,
    )


def give_times(page: Page, request: Request) -> Response:
    """Times of some frames."""
    video = page.project.video(request.path_params["recording"], request.path_params["video"])
    index = page.project.readable(video)
    start, stop = frame_range(request, index.frames, MOST_TIMES)
    times = index.time_s(np.arange(start, stop)) if stop > start else np.empty(0)
    return Response(pack_blocks(Message(), {"time_s": times}), media_type=BINARY)


def give_still(page: Page, request: Request) -> Response:
    """A frame as JPEG."""
    video, frame = request.path_params["video"], whole(request, "frame")
    size: Size | None = next((one for one in SIZES if one == request.query_params.get("size", "full")), None)
    if size is None:
        raise RefusedError(422, "invalid", f"size must be one of {', '.join(SIZES)}")
    index = page.project.readable(video)
    content = page.stills.encode(_key(page, video), index, frame, size)
    headers = {"frame-index": str(frame), **_cached(page, request, video)}
    return Response(content, headers=headers, media_type="image/jpeg")


def give_packets(page: Page, request: Request) -> Response:
    """A run of packets."""
    video, frame = request.path_params["video"], whole(request, "frame")
    index = page.project.readable(video)
    recording = page.project.plan().recording_of.get(video)
    if recording is None:
        raise unknown("video", video)
    tables = _tables(page, recording, video)
    failed = frozenset(tables.failed.tolist()) if tables else frozenset()
    content = page.packets.read(_key(page, video), video, index, frame, failed)
    return Response(content, headers=_cached(page, request, video), media_type=BINARY)


def _key(page: Page, video: str) -> str:
    path = page.project.path_of(video)
    try:
        status = path.stat()
    except FileNotFoundError:
        raise RefusedError(410, "gone", f"{video} is not where it was") from None
    return f"{video} {status.st_mtime_ns} {status.st_size}"


def _cached(page: Page, request: Request, video: str) -> dict[str, str]:
    """For good under the fingerprint of the video as it is; else not at all."""
    known = page.project.fingerprint(video)
    is_it = known not in ("", "unreadable") and request.query_params.get("v") == known
    return {"cache-control": FOR_GOOD} if is_it else {}

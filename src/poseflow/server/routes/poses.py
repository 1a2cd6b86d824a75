"""Routes about poses and lanes."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poseflow.core.similarity import find_centroids
from poseflow.corrections import AnyClaim
from poseflow.server.blocks import pack_blocks
from poseflow.server.errors import RefusedError, unknown
from poseflow.server.messages.poses import ItemMark, Lanes, Mark, PosesHead, TrackPath
from poseflow.server.page import Page
from poseflow.server.poses.lanes import draw_lanes, find_spans, rename_stretches
from poseflow.server.poses.overlay import Shown, lay_over
from poseflow.server.poses.review import read_review
from poseflow.server.poses.tables import VideoTables, find_tables
from poseflow.server.poses.windows import read_window
from poseflow.server.routes.routing import BINARY, frame_range, get, whole
from poseflow.server.routes.said import find_said, is_near, reach_of

MOST_FRAMES = 2000
STEPS_PER_PX = 8
MISSING = np.iinfo(np.int16).min
PATH_STEP = 25
PATH_FRAMES = 8192
MOST_PATH_FRAMES = 2_000_000


def routes() -> list[Route]:
    """All of them."""
    video = "/api/recordings/{recording}/videos/{video}"
    return [
        get(f"{video}/poses", give_poses),
        get(f"{video}/lanes", give_lanes),
        get(f"{video}/tracklet", give_tracklet),
        get(f"{video}/path", give_path),
    ]


def give_poses(page: Page, request: Request) -> Response:
    """A window of poses, with everything that people say laid over."""
    recording = request.path_params["recording"]
    video = page.project.video(recording, request.path_params["video"])
    index = page.project.index(video)
    start, stop = frame_range(request, index.frames, MOST_FRAMES)
    said = find_said(page, recording)
    tables = said.tables[video]
    window = read_window(tables, start, stop)
    near = [claim for claim in said.standing if is_near(claim, video, start, stop)]
    shown = lay_over(video, said.place(video), window, near, said.overrides, tables.made_at)
    in_steps = request.query_params.get("points", "f4") == "i2"
    named = [claim for claim in said.standing if claim.kind in ("name", "continuation")]
    applied = dict.fromkeys(claim.id for claim in (*near, *named))
    reviewed = shown.standing.videos[video].reviewed if video in shown.standing.videos else set()
    failed = tables.failed[(tables.failed >= start) & (tables.failed < stop)]
    head = PosesHead(
        video=video,
        from_frame=start,
        to_frame=stop,
        nodes=list(window.nodes),
        names=list(shown.window.names),
        cursor=said.cursor,
        applied=list(applied),
        tables=tables.stamp,
        scale=1 / STEPS_PER_PX if in_steps else 1.0,
        failed=failed.tolist(),
        reviewed=sorted(frame for frame in reviewed if start <= frame < stop),
        added=list(shown.added),
        source=window.source,
    )
    return Response(pack_blocks(head, _as_arrays(shown, in_steps)), media_type=BINARY)


def _as_arrays(shown: Shown, in_steps: bool) -> dict[str, np.ndarray]:
    window = shown.window
    points = window.points.astype(np.float32)
    if in_steps:
        limit = np.iinfo(np.int16).max
        steps = np.clip(np.round(points * STEPS_PER_PX), -limit, limit)
        points = np.where(np.isnan(steps), MISSING, steps).astype(np.int16)
    scores = np.clip(np.nan_to_num(window.node_score), 0, 1)
    return {
        "begin": np.searchsorted(window.frame, np.arange(window.start, window.stop + 1)).astype(np.int32),
        "frame": window.frame.astype(np.int32),
        "row": window.row.astype(np.int32),
        "track": window.track.astype(np.int32),
        "tracklet": window.tracklet.astype(np.int32),
        "name": window.name.astype(np.int16),
        "name_score": window.name_score.astype(np.float32),
        "score": window.score.astype(np.float32),
        "flags": shown.flags,
        "points": points,
        "node_score": np.round(255 * scores).astype(np.uint8),
        "edited": window.edited.astype(np.uint8),
    }


def give_lanes(page: Page, request: Request) -> Lanes:
    """The lanes of a video."""
    recording = request.path_params["recording"]
    video = page.project.video(recording, request.path_params["video"])
    index = page.project.index(video)
    start, stop = frame_range(request, index.frames, index.frames)
    bins = whole(request, "bins", 1024)
    said = find_said(page, recording)
    tables = said.tables[video]
    summary = page.summaries.find(f"{video} {tables.stamp}", tables)
    stretches, names = rename_stretches(summary.stretches, tables.names, said.place(video), said.overrides)
    lanes, more = draw_lanes(stretches, names, start, stop, bins)
    items = read_review(page.project, recording, said.standing).items
    failed = np.stack([tables.failed, tables.failed + 1], axis=1)
    return Lanes(
        from_frame=start,
        to_frame=stop,
        bins=bins,
        lanes=lanes,
        gaps=find_spans(summary.gaps, start, stop, bins),
        failed=find_spans(failed, start, stop, bins),
        edits=_mark_edits(said.standing, video, start, stop, bins),
        items=[
            ItemMark(frame=one.frame, id=one.id, kind=one.kind, expected_errors=one.expected_errors)
            for one in items
            if one.video == video and start <= one.frame < stop and one.state == "open"
        ],
        names=list(names),
        more_tracks=more,
        tables=tables.stamp,
    )


def _mark_edits(standing: Sequence[AnyClaim], video: str, start: int, stop: int, bins: int) -> list[Mark]:
    """Claims on the seek bar: those of one kind in one bin as one, with the latest one's id."""
    width = max((stop - start) / bins, 1.0)
    near = [
        (int(reach[1] / width), claim.kind, reach, claim)
        for claim in standing
        if (reach := reach_of(claim)) is not None and reach[0] == video and reach[1] < stop and reach[2] > start
    ]
    near.sort(key=lambda one: (one[0], one[1]))
    marks = []
    for (_, kind), group in groupby(near, key=lambda one: (one[0], one[1])):
        own = list(group)
        last = max((claim for *_, claim in own), key=lambda claim: claim.time)
        first, end = min(one[2][1] for one in own), max(one[2][2] for one in own)
        marks.append(Mark(frame=first, stop=end, kind=kind, count=len(own), author=last.author, id=last.id))
    return marks


def give_tracklet(page: Page, request: Request) -> TrackPath:
    """Where an animal is along a tracklet."""
    recording = request.path_params["recording"]
    video = page.project.video(recording, request.path_params["video"])
    number = whole(request, "tracklet")
    tables = find_tables(page.project, recording, video)
    own = page.summaries.find(f"{video} {tables.stamp}", tables).stretches
    own = own.take(own.tracklet == number)
    if not len(own):
        raise unknown("tracklet", str(number))
    return _find_path(tables, int(own.track[0]), number, int(own.start.min()), int(own.stop.max()))


def give_path(page: Page, request: Request) -> TrackPath:
    """Where an animal is along a track, from a frame on."""
    recording = request.path_params["recording"]
    video = page.project.video(recording, request.path_params["video"])
    index = page.project.index(video)
    start, stop = frame_range(request, index.frames, index.frames)
    tables = find_tables(page.project, recording, video)
    track = whole(request, "track")
    own = page.summaries.find(f"{video} {tables.stamp}", tables).stretches
    own = own.take((own.track == track) & (own.stop > start) & (own.start < stop))
    if not len(own):
        raise unknown("track", str(track))
    return _find_path(tables, track, None, max(int(own.start.min()), start), min(int(own.stop.max()), stop))


def _find_path(tables: VideoTables, track: int, tracklet: int | None, start: int, stop: int) -> TrackPath:
    """A path along a track, at each 25th frame and at both ends."""
    if stop - start > MOST_PATH_FRAMES:
        raise RefusedError(422, "invalid", f"a path can be at most {MOST_PATH_FRAMES} frames long, got {stop - start}")
    path: list[tuple[int, float, float]] = []
    rows, names = 0, set()
    last: tuple[int, float, float] | None = None
    for begin in range(start, stop, PATH_FRAMES):
        window = read_window(tables, begin, min(begin + PATH_FRAMES, stop))
        own = window.tracklet == tracklet if tracklet is not None else window.track == track
        centers = find_centroids(window.points[own])
        names.update(window.name[own].tolist())
        for frame, (x, y) in zip(window.frame[own].tolist(), centers.tolist(), strict=True):
            if x != x:
                continue
            rows += 1
            last = frame, round(x, 2), round(y, 2)
            if not path or frame - path[-1][0] >= PATH_STEP:
                path.append(last)
    if last is not None and path and path[-1] != last:
        path.append(last)
    name = tables.names[min(names)] if len(names) == 1 and min(names) >= 0 else None
    return TrackPath(tracklet=tracklet, track=track, name=name, start=start, stop=stop, rows=rows, path=path)

"""Routes about poses, lanes, review items and claims."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from poseflow.core.similarity import find_centroids
from poseflow.corrections import AbsenceClaim, AnyClaim, Retraction, find_taken_back, place_of
from poseflow.server.blocks import pack_blocks
from poseflow.server.claims import RecordingClaims
from poseflow.server.errors import RefusedError, unknown
from poseflow.server.lanes import draw_lanes, find_spans, rename_stretches
from poseflow.server.messages.claims import ClaimsAnswer, ClaimsPost, Conflict, UndoPost
from poseflow.server.messages.poses import ItemMark, Lanes, Mark, PosesHead, Review, TrackPath
from poseflow.server.overlay import Override, Shown, find_overrides, lay_over
from poseflow.server.page import Page
from poseflow.server.review import read_review
from poseflow.server.routing import BINARY, frame_range, get, post, whole
from poseflow.server.windows import VideoTables, find_tables, read_window

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
        get("/api/recordings/{recording}/review", give_review),
        get("/api/recordings/{recording}/claims", give_claims),
        post("/api/recordings/{recording}/claims", ClaimsPost, take_claims),
        post("/api/recordings/{recording}/undo", UndoPost, undo),
        post("/api/recordings/{recording}/redo", UndoPost, redo),
    ]


@dataclass(frozen=True)
class Said:
    """What is said of a recording, beside its tables."""

    book: RecordingClaims
    cursor: str
    standing: Sequence[AnyClaim]
    tables: dict[str, VideoTables]
    overrides: Sequence[Override]

    def place(self, video: str) -> int:
        """Of a video among those of its recording."""
        return list(self.tables).index(video)


def find_said(page: Page, recording: str) -> Said:
    """All that is said of a recording now; tells the tabs of what is new."""
    book = page.tell_claims(recording)
    cursor, standing = page.claims.cursor(book), book.standing
    tables = {video: find_tables(page.project, recording, video) for video in page.project.recording(recording)}
    overrides = find_overrides(tables, standing, page.known_overrides)
    return Said(book, cursor, standing, tables, overrides)


def give_poses(page: Page, request: Request) -> Response:
    """A window of poses, with everything that people say laid over."""
    recording = request.path_params["recording"]
    video = page.project.video(recording, request.path_params["video"])
    index = page.project.index(video)
    start, stop = frame_range(request, index.frames, MOST_FRAMES)
    said = find_said(page, recording)
    tables = said.tables[video]
    window = read_window(tables, start, stop)
    near = [claim for claim in said.standing if _is_near(claim, video, start, stop)]
    shown = lay_over(video, said.place(video), window, near, said.overrides, tables.made_at)
    in_steps = request.query_params.get("points", "f4") == "i2"
    applied = [claim.id for claim in near] + [
        claim.id for claim in said.standing if claim.kind in ("name", "continuation") and claim not in near
    ]
    reviewed = shown.standing.videos[video].reviewed if video in shown.standing.videos else set()
    failed = tables.failed[(tables.failed >= start) & (tables.failed < stop)]
    head = PosesHead(
        video=video,
        from_frame=start,
        to_frame=stop,
        nodes=list(window.nodes),
        names=list(shown.window.names),
        cursor=said.cursor,
        applied=applied,
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


def _reach(claim: AnyClaim) -> tuple[str, int, int] | None:
    """Video, first frame, and the one behind the last, that a claim is about."""
    place = place_of(claim)
    if place is None:
        return None
    last = claim.path[-1][0] if isinstance(claim, AbsenceClaim) and claim.path else place[1]
    return place[0], place[1], last + 1


def _is_near(claim: AnyClaim, video: str, start: int, stop: int) -> bool:
    reach = _reach(claim)
    return reach is not None and reach[0] == video and reach[1] < stop and reach[2] > start


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
        if (reach := _reach(claim)) is not None and reach[0] == video and reach[1] < stop and reach[2] > start
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


def give_review(page: Page, request: Request) -> Review:
    """The review items of a recording."""
    recording = request.path_params["recording"]
    book = page.tell_claims(recording)
    return read_review(page.project, recording, book.standing)


def give_claims(page: Page, request: Request) -> ClaimsAnswer:
    """What was said of a recording since."""
    recording = request.path_params["recording"]
    book = page.tell_claims(recording)
    return _answer(page, book, request.query_params.get("since"), [])


def _answer(
    page: Page, book: RecordingClaims, since: str | None, conflicts: list[Conflict], changed: Sequence[str] = ()
) -> ClaimsAnswer:
    return ClaimsAnswer(
        cursor=page.claims.cursor(book),
        claims=page.claims.since(book, since),
        taken_back=sorted(find_taken_back(book.claims)),
        conflicts=conflicts,
        faults=list(book.faults),
        changed=list(changed),
    )


def take_claims(page: Page, request: Request, message: ClaimsPost) -> ClaimsAnswer:
    """Write what a person says; it is on disk when this is answered."""
    recording = request.path_params["recording"]
    _check_places(page, recording, message.claims)
    new = page.claims.append(recording, message.claims)
    book = page.tell_claims(recording, new)
    return _answer(page, book, message.since, find_conflicts(page, recording, book, message.claims))


def _check_places(page: Page, recording: str, claims: Sequence[AnyClaim]) -> None:
    """Raise RefusedError for claims about videos or frames that the recording does not have."""
    videos = page.project.recording(recording)
    for claim in claims:
        place = place_of(claim)
        if place is None:
            continue
        if place[0] not in videos:
            raise RefusedError(422, "invalid", f"video must be one of {', '.join(videos)}, got {place[0]!r}")
        frames = page.project.index(place[0]).frames
        if place[1] >= frames:
            raise RefusedError(422, "invalid", f"frame must be 0 to {frames - 1}, got {place[1]}")


def find_conflicts(page: Page, recording: str, book: RecordingClaims, claims: Sequence[AnyClaim]) -> list[Conflict]:
    """Of claims that were just made, those that find no animal, and those that contradict others or are so."""
    own = {claim.id for claim in claims if not isinstance(claim, Retraction)}
    authors = {claim.id: claim.author for claim in book.claims}
    standing = book.standing
    found = []
    places = sorted({place for claim in claims if (place := place_of(claim)) is not None})
    for video, frame in places:
        tables = find_tables(page.project, recording, video)
        window = read_window(tables, frame, frame + 1)
        near = [claim for claim in standing if _is_near(claim, video, frame, frame + 1)]
        shown = lay_over(video, 0, window, near, [], tables.made_at)
        for one in shown.standing.listed:
            is_own = one.claim.id in own or one.by in own
            is_read = one.kind == "superseded" or one.claim.kind != "continuation"
            if is_own and is_read and _reach(one.claim) == (video, frame, frame + 1):
                found.append(
                    Conflict(
                        kind="superseded" if one.kind == "superseded" else "orphan",
                        claim=one.claim.id,
                        by=one.by,
                        author=authors.get(one.by if one.claim.id in own else one.claim.id, ""),
                        reason=one.reason,
                        video=video,
                        frame=frame,
                    )
                )
    return found


def undo(page: Page, request: Request, message: UndoPost) -> ClaimsAnswer:
    """Take back a person's last action."""
    return _take_back(page, request, message, again=False)


def redo(page: Page, request: Request, message: UndoPost) -> ClaimsAnswer:
    """Hold again what a person took back last."""
    return _take_back(page, request, message, again=True)


def _take_back(page: Page, request: Request, message: UndoPost, again: bool) -> ClaimsAnswer:
    recording = request.path_params["recording"]
    retractions = page.claims.take_back(recording, message.author, message.claim, again)
    book = page.tell_claims(recording, retractions)
    targets = {claim.retracts for claim in retractions if isinstance(claim, Retraction)}
    retracted = {claim.id: claim for claim in book.claims if claim.id in targets}
    changed = [one.retracts if isinstance(one, Retraction) else one.id for one in retracted.values()]
    return _answer(page, book, message.since, [], changed)

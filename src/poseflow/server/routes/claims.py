"""Routes about review items and claims."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import Route

from poseflow.corrections import AnyClaim, Retraction, find_taken_back, place_of
from poseflow.server.claims import RecordingClaims
from poseflow.server.errors import RefusedError
from poseflow.server.messages.claims import ClaimsAnswer, ClaimsPost, Conflict, UndoPost
from poseflow.server.messages.poses import Review
from poseflow.server.page import Page
from poseflow.server.poses.overlay import lay_over
from poseflow.server.poses.review import read_review
from poseflow.server.poses.tables import find_tables
from poseflow.server.poses.windows import read_window
from poseflow.server.routes.routing import get, post
from poseflow.server.routes.said import is_near, reach_of


def routes() -> list[Route]:
    """All of them."""
    return [
        get("/api/recordings/{recording}/review", give_review),
        get("/api/recordings/{recording}/claims", give_claims),
        post("/api/recordings/{recording}/claims", ClaimsPost, take_claims),
        post("/api/recordings/{recording}/undo", UndoPost, undo),
        post("/api/recordings/{recording}/redo", UndoPost, redo),
    ]


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
        near = [claim for claim in standing if is_near(claim, video, frame, frame + 1)]
        shown = lay_over(video, 0, window, near, [], tables.made_at)
        for one in shown.standing.listed:
            is_own = one.claim.id in own or one.by in own
            is_read = one.kind == "superseded" or one.claim.kind != "continuation"
            if is_own and is_read and reach_of(one.claim) == (video, frame, frame + 1):
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

"""Messages about what people say is true of a recording, and about who is there."""

from typing import Literal

from pydantic import Field

from poseflow.corrections import AnyClaim
from poseflow.server.messages.common import Message

MOST_CLAIMS = 500
Author = str


class ClaimsPost(Message):
    """Claims that a person makes, with ids that the page gave them: sent twice, they count once."""

    since: str | None = None
    """The last cursor that the page has seen."""
    claims: list[AnyClaim] = Field(max_length=MOST_CLAIMS)


class UndoPost(Message):
    """Take back (or hold again) a person's last claims, or one claim of anybody."""

    author: str = Field(min_length=1, max_length=200)
    since: str | None = None
    claim: str | None = None


class Conflict(Message):
    """A claim that does not hold: a later one says otherwise, or no animal, or several, are where it was seen."""

    kind: Literal["superseded", "orphan"]
    claim: str
    by: str
    """The later claim; empty for an orphan."""
    author: str
    reason: str
    video: str
    frame: int


class ClaimsAnswer(Message):
    """What was said of the recording since."""

    cursor: str
    claims: list[AnyClaim]
    taken_back: list[str]
    conflicts: list[Conflict]
    faults: list[str]
    changed: list[str]
    """Ids of the claims that an undo or redo was about."""


class Presence(Message):
    """Where a person is."""

    client: str = Field(max_length=100)
    author: str = Field(max_length=200)
    recording: str | None = Field(None, max_length=300)
    video: str | None = Field(None, max_length=300)
    frame: int | None = None


class HelloEvent(Message):
    """The first event of a stream."""

    type: Literal["hello"] = "hello"
    client: str
    version: str
    started: str


class ClaimsEvent(Message):
    """Somebody said something of a recording."""

    type: Literal["claims"] = "claims"
    recording: str
    cursor: str
    claims: list[AnyClaim]
    taken_back: list[str]


class PresenceEvent(Message):
    """Who is there."""

    type: Literal["presence"] = "presence"
    people: list[Presence]


class LabelsEvent(Message):
    """Somebody saved a labeled frame."""

    type: Literal["labels"] = "labels"
    file: str
    video: str
    frame: int
    author: str
    revision: str


class RecordingsEvent(Message):
    """The list of recordings has changed."""

    type: Literal["recordings"] = "recordings"


class TablesEvent(Message):
    """Tables of a recording were made anew."""

    type: Literal["tables"] = "tables"
    recording: str
    tables: str | None


class RunEvent(Message):
    """The run began, went on or ended."""

    type: Literal["run"] = "run"
    running: bool
    done: int
    failed: int


class NetworksEvent(Message):
    """A training began, went on or ended, or a release was put in use."""

    type: Literal["networks"] = "networks"


ServerEvent = (
    HelloEvent | ClaimsEvent | PresenceEvent | LabelsEvent | RecordingsEvent | TablesEvent | RunEvent | NetworksEvent
)

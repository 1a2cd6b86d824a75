"""Messages about runs of the workflow and about networks."""

from typing import Literal

from pydantic import Field

from poseflow.server.messages.common import Message


class Failure(Message):
    """What keeps a video from being done, and the end of its log."""

    video: str
    recording: str
    rule: str
    reason: str
    log: str
    lines: list[str]


class RuleCount(Message):
    """How much of a rule's work there is already."""

    rule: str
    done: int
    total: int


class Training(Message):
    """A training that is not at its end."""

    name: str
    version: str
    state: Literal["running", "waiting", "stopped"]
    job: str | None
    epoch: int | None
    epochs: int | None
    best_epoch: int | None
    loss: float | None
    seconds_left: float | None
    can_stop: bool
    stopping: bool
    log: list[str]


class RunState(Message):
    """How things stand."""

    running: bool
    ours: bool
    command: list[str] | None
    profile: str | None
    began: str | None
    ended: str | None
    exit_code: int | None
    tail: list[str]
    done: int
    at_work: int
    waiting: int
    failed: list[Failure]
    seconds_left: float | None
    sizes: dict[str, int]
    day_bytes: float | None
    rules: list[RuleCount]
    trainings: list[Training]
    warnings: list[str]
    summary: str | None


class Job(Message):
    """A job in SLURM's queue."""

    id: str
    name: str
    rule: str | None
    of: str | None
    state: str
    reason: str
    node: str | None
    elapsed_s: float | None
    left_s: float | None
    partition: str
    submitted: str | None


class Jobs(Message):
    """SLURM's queue, as far as it is ours."""

    slurm: bool
    jobs: list[Job]
    fault: str | None


class PlanPost(Message):
    """What a run is to be of: a profile, and a target that the workflow knows."""

    profile: str = Field(max_length=100)
    target: str | None = Field(None, max_length=100)


class AgainPost(Message):
    """A video that is to be done again after a failure; without a profile, as the last run was started."""

    video: str = Field(max_length=300)
    profile: str | None = Field(None, max_length=100)


class EndTrainingPost(Message):
    """A person's wish that a training ends."""

    author: str = Field(min_length=1, max_length=200)


class Empty(Message):
    """Nothing further to say."""


class PlannedJobs(Message):
    """Jobs of one rule."""

    rule: str
    count: int


class RunPlan(Message):
    """What a run would do."""

    command: list[str]
    lines: list[str]
    jobs: list[PlannedJobs]
    fault: str | None


class ComparisonFacts(Message):
    """Candidate and release in use on the same test frames."""

    candidate: float
    incumbent: float
    low: float
    high: float
    frames: int
    blocks: int


class DecisionFacts(Message):
    """A decision about releases."""

    time: str
    event: str
    candidate: str
    incumbent: str | None
    current: str
    reason: str
    sentence: str
    comparison: ComparisonFacts | None


class ReleasedModel(Message):
    """A model of a release; without a version, one that was given."""

    name: str
    version: str | None


class ReleaseFacts(Message):
    """Models that run together."""

    id: str
    models: list[ReleasedModel]
    in_use: bool
    metrics: dict[str, float | None] | None
    dataset: str | None
    can_promote: bool
    can_roll_back: bool


class Model(Message):
    """A trained model, or one that is being trained."""

    name: str
    version: str
    kind: str | None
    state: Literal["trained", "training", "stopped", "failed"]
    epochs: int | None
    best_epoch: int | None
    metrics: dict[str, float | None]
    made: str | None
    labels: int | None
    pictures: list[str]


class Networks(Message):
    """All about networks."""

    current: str | None
    candidate: str | None
    decisions: list[DecisionFacts]
    releases: list[ReleaseFacts]
    models: list[Model]
    trainings: list[Training]


class Curves(Message):
    """Columns of a training's history."""

    columns: dict[str, list[float | None]]
    best_epoch: int | None


class ReleasePost(Message):
    """The release that is to be put in use."""

    release: str | None = Field(None, max_length=100)

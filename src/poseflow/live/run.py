"""A live run: everything opened and checked first, then the loop, then all of it closed whole."""

import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

from poseflow.config import Config, PredictConfig, TrackingConfig
from poseflow.inference import Pipeline, load_pipeline
from poseflow.live.capture import Capture
from poseflow.live.following import Follower, suit_prediction, suit_tracking
from poseflow.live.loop import LiveLoop
from poseflow.live.outputs import Delivery, open_output
from poseflow.live.picture import PictureServer
from poseflow.live.poses import LivePoses, TriggerEvent
from poseflow.live.record import PoseRecord
from poseflow.live.settings import LiveSettings
from poseflow.live.sources import Source, open_source
from poseflow.live.triggers import TriggerThread, parse_triggers
from poseflow.live.view import LiveView
from poseflow.runs.provenance import describe_live
from poseflow.steps.release import describe_release, name_models
from poseflow.tables import PoseSource

logger = logging.getLogger("poseflow")
TURN_S = 0.0005


@dataclass
class LiveRun:
    """What a live run is made of; `answers` runs it."""

    source: str
    pipeline: Pipeline
    tracking: TrackingConfig
    settings: LiveSettings
    out: Path | None = None
    """The pose table."""
    port: int | None = None
    """Where the picture is shown."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Told with the table."""
    open: Callable[..., Source] = open_source
    summary: list[str] = field(default_factory=list)
    """What there is to say in the end, a line each; known once `answers` is over."""

    def answers(self) -> Iterator[LivePoses]:
        """Poses of the newest frame, again and again.

        Ctrl-C and SIGTERM end it, where it runs in the main thread, and so does whoever no longer asks.

        Raises: ConfigError before anything runs; VideoError where the source fails, once the table is whole.
        """
        settings, pipeline = self.settings, self.pipeline
        follower = Follower(pipeline, suit_tracking(self.tracking, bool(pipeline.identities)))
        triggers = parse_triggers(
            settings.triggers,
            pipeline.skeleton,
            follower.identity_names,
            settings.pixels_per_mm,
            settings.stale_ms / 1000,
        )
        with ExitStack() as stack:
            source = self.open(self.source, settings.source)
            channels = pipeline.choose_channels(source.facts.has_color)
            capture = stack.enter_context(Capture(source, channels))
            loop = LiveLoop(capture, source.facts, follower, settings)
            stack.enter_context(_stopped_by_signals(loop))
            record = stack.enter_context(self._record(source, follower)) if self.out else None
            deliveries: list[Delivery] = []
            view = LiveView(source.facts.name, loop, triggers, deliveries)
            stack.callback(lambda: self.summary.extend(view.lines()))
            for text in settings.outputs:
                deliveries.append(stack.enter_context(Delivery(text, open_output(text))))
            if self.port is not None:
                shown = stack.enter_context(PictureServer(self.port, lambda: (loop.newest_frame, loop.newest)))
                logger.info("the picture is at %s", shown.address)
            follower.warm_up((source.facts.height, source.facts.width, channels))
            stack.enter_context(view.shown())
            if record is not None:
                stack.callback(lambda: record.problems.extend(_describe_gaps(loop)))

            def send(item: LivePoses | TriggerEvent) -> None:
                for delivery in deliveries:
                    delivery.offer(item)

            stack.enter_context(_short_turns())
            capture.start()
            every_s = settings.trigger_every_ms / 1000
            stack.enter_context(TriggerThread(triggers, lambda: loop.newest, send, every_s))
            for poses in loop.answers():
                send(poses)
                if record is not None:
                    record.start = loop.start
                    record.append(poses)
                yield poses

    def _record(self, source: Source, follower: Follower) -> PoseRecord:
        assert self.out is not None
        name = self.out.stem
        about = PoseSource(name, name, self.settings.pixels_per_mm)
        names = self.pipeline.identities, follower.identity_names
        told = self.pipeline.tells_hidden
        return PoseRecord(self.out, self.pipeline.skeleton, names, source.facts, about, self.metadata, told)


def live_poses(
    source: str | int,
    model: str | Path | Sequence[str | Path],
    *others: str | Path,
    out: str | Path | None = None,
    config: Config | None = None,
    **settings: Any,
) -> Iterator[LivePoses]:
    """Poses of what a camera sees now, one frame after the other; `poseflow.live_poses` is this function.

    The newest frame is answered, always: while the networks are at work, older ones are skipped.

    Args:
        source: a camera's number, an address, or a video that plays at its own rate; as in `poseflow live`.
        model, others: folders of models that work together, ours or SLEAP's.
        out: the pose table that is written on the way; None: none.
        config: settings of prediction and tracking.
        settings: those of `LiveSettings`, as `triggers=["distance(female.head, male.head) < 50"]`.

    Raises: ModelError, ConfigError, VideoError.

    Example:

        for poses in poseflow.live_poses(0, "models/centroid", "models/centered_instance"):
            print(poses.frame_idx, poses.find("male", "head"), poses.latency_s)
    """
    from poseflow.config import parse_section

    folders = [Path(folder) for folder in ([model] if isinstance(model, str | Path) else model)]
    checked = parse_section(LiveSettings, settings, "live")
    run = prepare_run(str(source), [*folders, *map(Path, others)], config or Config(), checked)
    run.out = Path(out) if out is not None else None
    return run.answers()


def prepare_run(source: str, models: Sequence[Path], config: Config, settings: LiveSettings) -> LiveRun:
    """Load the models, and say of the run what its table is to tell.

    Raises: ModelError, SkeletonError or ConfigError.
    """
    release = describe_release(name_models(models))
    predict: PredictConfig = suit_prediction(config.predict)
    pipeline = load_pipeline(release.folders, predict)
    tracking = suit_tracking(config.tracking, bool(pipeline.identities))
    sections = {"predict": predict, "tracking": tracking, "live": settings}
    metadata = release.metadata | describe_live(source, release.models, sections)
    return LiveRun(source, pipeline, config.tracking, settings, metadata=metadata)


def _describe_gaps(loop: LiveLoop) -> list[str]:
    """What of the source is not in the table, a sentence each."""
    found = {
        "skipped, since a newer one was there before its turn": loop.skipped,
        "passed over, since the source gave it late": loop.too_old,
    }
    return [f"live: {count:,} frames were {what}" for what, count in found.items() if count]


@contextmanager
def _short_turns() -> Iterator[None]:
    """Have Python's threads take turns more often: the loop waits less for whichever is at work."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _stopped_by_signals(loop: LiveLoop) -> Iterator[None]:
    """Have Ctrl-C and SIGTERM end the loop, so that everything is closed as at any other end, however long that takes.

    Further signals change nothing; nor is the process ended from elsewhere meanwhile (`lock.end_after_interrupt`).
    """
    if current_thread() is not main_thread():
        yield
        return
    signals = signal.SIGINT, signal.SIGTERM
    wakeup = signal.set_wakeup_fd(-1)
    before = [signal.signal(number, lambda *_: loop.stopped.set()) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)

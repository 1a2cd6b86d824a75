"""Triggers, and the thread that evaluates them."""

import importlib
import logging
import re
import sys
import time
from collections.abc import Callable, Sequence
from threading import Event, Thread

from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.live.poses import LivePoses, TriggerEvent
from poseflow.live.triggers.expression import Moment, compile_expression

logger = logging.getLogger("poseflow")

Condition = Callable[[Moment], bool]
_NAMED = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)\s*(.+)", re.S)
_CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Trigger:
    """A condition on the newest poses; one that fails is not met, and the first failure is logged.

    Args:
        stale_s: poses whose frame is older than this say nothing any more: the condition is not met.
    """

    def __init__(self, name: str, condition: Condition, stale_s: float = 0.5) -> None:
        self.name, self._condition, self._stale_s = name, condition, stale_s
        self._seen: LivePoses | None = None
        self._seen_before: LivePoses | None = None
        self.evaluations = self.met = self.failures = 0

    def evaluate(self, poses: LivePoses | None, now: float) -> TriggerEvent:
        """Say whether the condition is met.

        Args:
            poses: the newest; None before the first. now: on the clock of `time.monotonic`.
        """
        self.evaluations += 1
        if poses is None:
            return TriggerEvent(self.name, False, -1, 0.0, 0.0)
        if poses is not self._seen:
            self._seen, self._seen_before = poses, self._seen
        age = now - poses.taken_s
        is_met = age <= self._stale_s and self._is_met(Moment(poses, self._seen_before))
        self.met += is_met
        return TriggerEvent(self.name, is_met, poses.frame_idx, poses.time_s, age)

    def _is_met(self, moment: Moment) -> bool:
        try:
            return bool(self._condition(moment))
        except Exception:
            if not self.failures:
                logger.exception("trigger %s failed, and is not met where it fails", self.name)
            self.failures += 1
            return False


def parse_triggers(
    texts: Sequence[str],
    skeleton: Skeleton,
    identities: Sequence[str],
    pixels_per_mm: float | None = None,
    stale_s: float = 0.5,
) -> list[Trigger]:
    """Make triggers of `NAME=CONDITION` each, or of conditions alone, which are called `trigger`, `trigger2`, ….

    A condition is an expression (`compile_expression`), or `module:function`: a function that is given the newest
    `LivePoses`, and says whether it is met. Modules of the folder that one is in are found.

    Raises: ConfigError for what is neither, or two of one name.
    """
    made: list[Trigger] = []
    for number, text in enumerate(texts, 1):
        named = _NAMED.fullmatch(text)
        name, condition = named.groups() if named else ("trigger" if number == 1 else f"trigger{number}", text)
        if name in [trigger.name for trigger in made]:
            raise ConfigError(f"triggers must have names of their own, got {name} twice")
        if _CALLABLE.fullmatch(condition.strip()):
            made.append(Trigger(name, _import_function(condition.strip()), stale_s))
        else:
            compiled = compile_expression(condition, skeleton, identities, pixels_per_mm)
            made.append(Trigger(name, compiled, stale_s))
    return made


class TriggerThread:
    """Evaluates triggers every so often, in a thread of its own, on the poses that `newest` gives.

    Args:
        tell: is given each event; it must not wait.
    """

    def __init__(
        self,
        triggers: Sequence[Trigger],
        newest: Callable[[], LivePoses | None],
        tell: Callable[[TriggerEvent], None],
        every_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._triggers, self._newest, self._tell = triggers, newest, tell
        self._every_s, self._clock = every_s, clock
        self._stopped = Event()
        self._thread = Thread(target=self._work, name="live-triggers", daemon=True)

    def __enter__(self) -> "TriggerThread":
        if self._triggers:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, and tell that no condition is met any more."""
        self._stopped.set()
        if self._triggers:
            self._thread.join(timeout=2)
            poses = self._newest()
            frame, when, taken = (
                (-1, 0.0, self._clock()) if poses is None else (poses.frame_idx, poses.time_s, poses.taken_s)
            )
            for trigger in self._triggers:
                self._tell(TriggerEvent(trigger.name, False, frame, when, self._clock() - taken))

    def evaluate(self) -> None:
        """Evaluate each trigger once."""
        for trigger in self._triggers:
            self._tell(trigger.evaluate(self._newest(), self._clock()))

    def _work(self) -> None:
        due = self._clock()
        while not self._stopped.is_set():
            self.evaluate()
            # On a grid: what takes long costs beats, and shifts none.
            due += self._every_s * max(1, -((due - self._clock()) // self._every_s))
            self._stopped.wait(max(0.0, due - self._clock()))


def _import_function(name: str) -> Condition:
    module, _, function = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # a console script's own folder stands there otherwise
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"a trigger must be module:function or an expression, got {name!r}: {error}") from error
    if not callable(found):
        raise ConfigError(f"a trigger must name a function, got {name!r}, which is none")
    return lambda moment: bool(found(moment.poses))

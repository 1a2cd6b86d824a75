"""Where the time of predictions goes, step by step."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from time import perf_counter, process_time
from typing import TypeVar

from poseflow.core.files import write_json
from poseflow.inference.pipeline import Images, Outputs, Pipeline

T = TypeVar("T")
FIRST = "first batch"
STEPS = ("decode", "copy", FIRST, "networks and peaks", "assembly", "flow", "write")
"""Networks are compiled with the first batch that they see."""
REPEATS = 5


@dataclass
class Profile:
    """Seconds of each step, each in a thread of its own, flow in several; so their sum may exceed the whole time.

    wall: from the first frame's reading to the table. processor: of all threads of this process, meanwhile.
    """

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))
    frames: int = 0
    wall: float = 0.0
    processor: float = 0.0
    flow_threads: int = 1
    times_networks: bool = False
    """Whether the networks are run once more for that, without crops and peaks."""
    networks: float | None = None
    """Seconds for a frame that the networks alone take, without crops and peaks."""
    _batch: tuple[Images, Outputs] | None = None
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def measure(self, step: str) -> Iterator[None]:
        """Add what the block takes to a step."""
        begin = perf_counter()
        try:
            yield
        finally:
            with self._lock:
                self.seconds[step] += perf_counter() - begin

    def measure_each(self, step: str, items: Iterator[T]) -> Iterator[T]:
        """The same items; how long each takes to come is added to a step."""
        while True:
            with self.measure(step):
                item = next(items, None)
            if item is None:
                return
            yield item

    @contextmanager
    def measure_all(self) -> Iterator[None]:
        """Take the time of the whole work."""
        begin = perf_counter(), process_time()
        yield
        self.wall += perf_counter() - begin[0]
        self.processor += process_time() - begin[1]

    def keep(self, images: Images, outputs: Outputs) -> None:
        """Keep a batch for `measure_networks`: the last, since the first may be compiled for."""
        self._batch = images, outputs

    def measure_networks(self, pipeline: Pipeline) -> None:
        """Run the networks alone on a batch of those frames, as often as need be, and take the shortest time."""
        if self._batch is None or pipeline.run_networks is None:
            return
        times = []
        for _ in range(REPEATS):
            begin = perf_counter()
            pipeline.run_networks(*self._batch)
            times.append(perf_counter() - begin)
        self.networks = min(times) / len(self._batch[0])

    def write(self, path: str | Path) -> None:
        """Keep it as JSON: frames, seconds of the whole, processor and first batch, and of each step of the others.

        Those of flow are for one of its threads.
        """
        steps = {**self.seconds, "flow": self.seconds["flow"] / self.flow_threads}
        content = {"frames": self.frames, "wall_s": self.wall, "processor_s": self.processor}
        write_json({**content, "first_batch_s": steps.pop(FIRST), "steps_s": steps}, path)

    def describe(self) -> str:
        """The table, in lines."""
        frames = max(self.frames, 1)
        parts = {step: 1000 * seconds / frames for step, seconds in self.seconds.items()}
        if self.networks is not None:
            both = parts.pop("networks and peaks")
            alone = min(1000 * self.networks, both)
            parts = {**parts, "networks": alone, "peaks and crops": both - alone}
        first = parts.pop(FIRST)
        order = ("decode", "copy", "networks", "peaks and crops", "networks and peaks", "assembly", "flow", "write")
        lines = ["ms a frame; steps overlap"]
        lines += [f"{step:<20}{parts[step]:9.3f}" for step in order if step in parts]
        lines.append(f"{'whole':<20}{1000 * self.wall / frames:9.3f}  {frames / max(self.wall, 1e-9):.1f} frames/s")
        lines.append(f"{'processor':<20}{1000 * self.processor / frames:9.3f}")
        lines.append(f"first batch, with which networks are compiled: {first * frames / 1000:.1f} s")
        if self.networks:
            share = self.networks * frames / max(self.wall, 1e-9)
            lines.append(f"networks alone: {1 / self.networks:.1f} frames/s, of which predict reaches {share:.0%}")
        return "\n".join(lines)

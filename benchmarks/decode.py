"""How many frames a second are decoded: this package against OpenCV and PyAV, in one run.

Grey images of a synthesised clip and, where POSEFLOW_REAL_DATA is set, of a real recording. The ratios are what
counts; the numbers depend on the machine and on what else it does.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import av
import cv2
import numpy as np

from poseflow.media import VideoIndex, index_video, open_video, write_video


def main() -> None:
    """Measure, and print a table; with --json, lines of JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="*", type=Path, help="videos to read instead")
    parser.add_argument("--frames", type=int, default=1000, help="frames that are read of each video (%(default)s)")
    parser.add_argument("--size", type=int, default=1024, help="side of the synthesised frames, px (%(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="the median of so many runs counts (%(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="decoding threads; 0: one for each processor")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for path in options.videos or default_videos(Path(folder), options.size, options.frames):
            report(path, options)


def default_videos(folder: Path, size: int, frames: int) -> list[Path]:
    """A synthesised clip, and a real one where there is one."""
    clip = folder / f"synthesised_{size}px.mp4"
    write_video(clip, draw_frames(size, frames), 25)
    real = os.environ.get("POSEFLOW_REAL_DATA")
    return [clip, Path(real) / "courtship" / "courtship_part1.mp4"] if real else [clip]


def draw_frames(size: int, frames: int) -> Iterator[np.ndarray]:
    """A textured floor, a little noise, and two dark discs on their rounds."""
    rng = np.random.default_rng(0)
    floor = cv2.GaussianBlur(rng.integers(90, 200, (size, size), dtype=np.uint8), (0, 0), 3)
    noise = rng.integers(0, 4, (8, size, size), dtype=np.uint8)
    for number in range(frames):
        image = floor + noise[number % len(noise)]
        for animal in range(2):
            angle = number / 40 + np.pi * animal
            center = (int(size * (0.5 + 0.3 * np.cos(angle))), int(size * (0.5 + 0.3 * np.sin(angle))))
            cv2.circle(image, center, size // 25, 40, -1, cv2.LINE_AA)
        yield image


def report(path: Path, options: argparse.Namespace) -> None:
    """Read one video in every way, in turn, and print frames a second."""
    begin = perf_counter()
    index = index_video(path)
    indexing = index.frames / (perf_counter() - begin)
    frames = min(options.frames, index.frames)
    readers: dict[str, Callable[[], None]] = {
        "poseflow": lambda: read_ours(index, frames, 1, options.threads),
        "poseflow RGB": lambda: read_ours(index, frames, 3, options.threads),
        "OpenCV BGR to grey": lambda: read_with_opencv(path, frames),
        "PyAV to_ndarray(gray)": lambda: read_with_pyav(path, frames),
    }
    rates: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(options.repeats):
        for name, read in readers.items():
            begin = perf_counter()
            read()
            rates[name].append(frames / (perf_counter() - begin))
    medians = {name: median(found) for name, found in rates.items()}
    if options.json:
        print(json.dumps({"video": path.name, "frames": frames, "indexed_per_s": indexing, "decoded_per_s": medians}))
        return
    print(f"{path.name}: {frames} frames, {index.width} x {index.height}, {index.codec}")
    print(f"  indexed                {indexing:10,.0f} frames/s")
    for name, rate in medians.items():
        print(f"  {name:22} {rate:10,.0f} frames/s   poseflow is {medians['poseflow'] / rate:.2f} times as fast")


def read_ours(index: VideoIndex, frames: int, channels: int, threads: int) -> None:
    """This package's reader."""
    with open_video(index, threads) as video:
        for _ in video.read(0, frames, channels):
            pass


def read_with_opencv(path: Path, frames: int) -> None:
    """OpenCV decodes to BGR, which is turned grey."""
    capture = cv2.VideoCapture(str(path))
    for _ in range(frames):
        cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2GRAY)


def read_with_pyav(path: Path, frames: int) -> None:
    """PyAV with FFmpeg's own threads, its frames turned grey by swscale."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for number, frame in enumerate(container.decode(video=0), start=1):
            frame.to_ndarray(format="gray")
            if number == frames:
                break


if __name__ == "__main__":
    main()

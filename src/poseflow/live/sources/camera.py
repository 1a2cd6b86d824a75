"""Cameras of the operating system, and streams, both through OpenCV."""

import os
import re
import time
from collections.abc import Iterator
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from poseflow.core.errors import VideoError
from poseflow.live.frames import Frame
from poseflow.live.sources.source import Clock, SourceFacts, SourceSettings

PLAUSIBLE_S = 10.0
"""A driver's time stamp that is farther from now than this is one of another clock."""


class VideoCapture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def grab(self) -> bool: ...  # noqa: D102 - OpenCV's
    def retrieve(self) -> Any: ...  # noqa: D102
    def get(self, key: int, /) -> float: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102


def open_camera(name: str, settings: SourceSettings, clock: Clock = time.monotonic) -> "Camera":
    """Open a camera by its number or its device, `/dev/video…`."""
    if not re.fullmatch(r"\d+|/dev/\S+", name):
        raise VideoError(f"a camera must be a number or a device such as /dev/video0, got {name!r}")
    device = f"/dev/video{name}" if name.isdecimal() else name
    if os.uname().sysname == "Linux" and not os.path.exists(device):  # noqa: PTH110 - no file
        raise VideoError(f"{device} must be a camera, got nothing there: is it plugged in?")
    if os.path.exists(device) and not os.access(device, os.R_OK | os.W_OK):  # noqa: PTH110
        raise VideoError(f"{device} must be readable for you, got permission denied: are you in the group video?")
    backend = cv2.CAP_V4L2 if os.uname().sysname == "Linux" else cv2.CAP_ANY
    return Camera(device, _open(int(name) if name.isdecimal() else name, backend, settings, device), clock)


def open_stream(address: str, settings: SourceSettings, clock: Clock = time.monotonic) -> "Camera":
    """Open an address that FFmpeg knows (rtsp, http, udp), or a pipeline of GStreamer, which ends with `appsink`."""
    backend = cv2.CAP_FFMPEG
    if " ! " in address:
        backend = cv2.CAP_GSTREAMER
        if not _has_gstreamer():
            raise VideoError(
                f"{address}: OpenCV must be built with GStreamer for a pipeline, got one without; an address "
                "(rtsp://…) needs none, or install an OpenCV that has it"
            )
        if not re.search(r"!\s*appsink\b[^!]*$", address):
            raise VideoError(f"a pipeline must end with appsink, got {address!r}")
    return Camera(address, _open(address, backend, settings, address), clock)


class Camera:
    """A source without an end: where frames stop coming, it has failed.

    The first frame is taken when it is opened: only that shows what the camera gives.
    """

    def __init__(self, name: str, capture: VideoCapture, clock: Clock = time.monotonic) -> None:
        self._name, self._capture, self._clock = name, capture, clock
        image = self._retrieve() if capture.grab() else None
        if image is None:
            raise VideoError(f"{name} must give frames, got none: does another program hold it?")
        fps = capture.get(cv2.CAP_PROP_FPS)
        height, width = image.shape[:2]
        self.facts = SourceFacts(name, width, height, fps if 0 < fps < 10_000 else None, _channels(image) == 3)
        self._size = image.shape

    def frames(self, channels: int) -> Iterator[Frame]:
        """As the protocol says."""
        number = 0
        while self._capture.grab():
            taken = self._find_time()
            image = self._retrieve()
            if image is None:
                break
            if image.shape != self._size:
                raise VideoError(f"{self._name} must keep its image size, got {image.shape} after {self._size}")
            yield Frame(number, taken, _convert(image, channels))
            number += 1
        raise VideoError(f"{self._name} must go on giving frames, got none after frame {number - 1}: was it unplugged?")

    def close(self) -> None:
        """As the protocol says."""
        self._capture.release()

    def _find_time(self) -> float:
        """When the frame was taken: by the driver where it says so on this clock, else now.

        V4L2 stamps each frame on the clock of `time.monotonic` when its exposure or transfer begins or ends.
        """
        now = self._clock()
        stamp = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        return stamp if 0 < stamp <= now < stamp + PLAUSIBLE_S else now

    def _retrieve(self) -> NDArray[np.uint8] | None:
        is_there, image = self._capture.retrieve()
        return np.asarray(image, np.uint8) if is_there and image is not None else None


def _open(source: int | str, backend: int, settings: SourceSettings, name: str) -> VideoCapture:
    wanted: list[int] = []
    if settings.size is not None:
        wanted += [cv2.CAP_PROP_FRAME_WIDTH, settings.size[0], cv2.CAP_PROP_FRAME_HEIGHT, settings.size[1]]
    if settings.rate is not None:
        wanted += [cv2.CAP_PROP_FPS, round(settings.rate)]
    is_camera = backend not in (cv2.CAP_FFMPEG, cv2.CAP_GSTREAMER)
    capture = cv2.VideoCapture(source, backend, wanted if is_camera else [])
    if not capture.isOpened():
        raise VideoError(f"{name} must be a camera or stream that can be opened, got one that OpenCV cannot open")
    if is_camera:
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def _has_gstreamer() -> bool:
    return bool(re.search(r"GStreamer:\s+YES", cv2.getBuildInformation()))


def _channels(image: NDArray[np.uint8]) -> int:
    return 1 if image.ndim == 2 or image.shape[2] == 1 else 3


def _convert(image: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """OpenCV's grey or BGR to (height, width, channels) grey or RGB."""
    if _channels(image) == 1:
        grey = image.reshape(*image.shape[:2], 1)
        return grey if channels == 1 else np.repeat(grey, 3, axis=2)
    if channels == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)[..., None]
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

"""The picture with its poses, in a browser on this machine: works without a window system, and through ssh."""

import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import cv2

from poseflow.core.errors import ConfigError
from poseflow.live.frames import Frame
from poseflow.live.poses import LivePoses

EVERY_S = 0.05
"""20 pictures a second at most: drawing takes time from the loop."""
BOUNDARY = "frame"

Newest = Callable[[], tuple[Frame | None, LivePoses | None]]


class PictureServer:
    """Serves `http://127.0.0.1:PORT`: pictures one after the other (multipart JPEG), drawn only while someone looks.

    Raises: ConfigError where the port is taken.
    """

    def __init__(self, port: int, newest: Newest) -> None:
        stopped = self._stopped = Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
                self.end_headers()
                try:
                    for picture in _draw_pictures(newest, stopped):
                        kind = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture)}"
                        self.wfile.write(f"--{BOUNDARY}\r\n{kind}\r\n\r\n".encode() + picture + b"\r\n")
                except ConnectionError:  # the window was closed
                    return

            def log_message(self, *_: object) -> None:
                """Requests are not logged."""

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            raise ConfigError(f"--show must be a free port, got {port}: {error}") from None
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, name="live-picture", daemon=True)

    def __enter__(self) -> "PictureServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()


def _draw_pictures(newest: Newest, stopped: Event) -> Iterator[bytes]:
    """JPEGs of the newest picture, whenever there is a newer one."""
    shown = None
    while not stopped.is_set():
        frame, poses = newest()
        if frame is not None and poses is not None and poses is not shown:
            shown = poses
            yield draw_picture(frame, poses)
        time.sleep(EVERY_S)


def draw_picture(frame: Frame, poses: LivePoses) -> bytes:
    """A JPEG of a frame with its poses and their names, or tracks."""
    from poseflow.report.overlay import draw_poses
    from poseflow.report.palette import COLORS

    names = [name or str(track) for name, track in zip(poses.identity, poses.track.tolist(), strict=True)]
    places = [code if code >= 0 else track for code, track in zip(poses.identity_code, poses.track, strict=True)]
    colors = [COLORS[int(place) % len(COLORS)] for place in places]
    drawn = draw_poses(frame.image, poses.points, poses.skeleton, colors, names)
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()

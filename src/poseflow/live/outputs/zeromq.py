"""Poses and triggers published by ZeroMQ: Bonsai, Python, MATLAB, whoever subscribes."""

from typing import Any

from poseflow.core.errors import ConfigError
from poseflow.live.outputs.output import Output
from poseflow.live.poses import LivePoses, TriggerEvent


class ZmqOutput(Output):
    """A PUB socket bound to `zmq:ADDRESS`, as `zmq:tcp://127.0.0.1:5555`.

    Two parts a message: its topic, `poses` or `trigger`, and JSON. ZeroMQ drops what a subscriber is too slow for.
    """

    def __init__(self, argument: str) -> None:
        import zmq

        super().__init__(argument)
        self._context: Any = zmq.Context()
        self._socket: Any = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.LINGER, 500)
        try:
            self._socket.bind(argument)
        except zmq.ZMQError as error:
            self._context.destroy(linger=0)
            raise ConfigError(
                f"an output by ZeroMQ must be an address that can be bound, as tcp://127.0.0.1:5555, got {argument!r}: "
                f"{error}"
            ) from None

    def send_poses(self, poses: LivePoses) -> None:
        """Publish."""
        self._socket.send_multipart([b"poses", poses.encoded])

    def send_trigger(self, event: TriggerEvent) -> None:
        """Publish."""
        self._socket.send_multipart([b"trigger", event.encoded])

    def close(self) -> None:
        """Unbind."""
        self._socket.close()
        self._context.term()

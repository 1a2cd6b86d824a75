"""Tell SLEAP's GUI how a training comes on, over ZeroMQ, and stop where it says so."""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from poseflow.config import ModelConfig
from poseflow.core.errors import ConfigError
from poseflow.training.checkpoint import Progress

logger = logging.getLogger("poseflow")
JOINING_S = 0.5
"""So long a subscriber may take to join; what is sent before is lost to it."""

HEAD_NAMES: Mapping[str, str] = {
    "bottom_up": "multi_instance",
    "multi_class_top_down": "multi_class_topdown",
    "multi_class_bottom_up": "multi_class_bottomup",
}
"""How SLEAP calls the head of a kind, where that is not the kind's name."""


@dataclass(frozen=True)
class MonitorAddresses:
    """Where SLEAP's GUI listens: for `progress`, and for a training that asks what to do, `control`."""

    progress: str = "tcp://127.0.0.1:9001"
    control: str = "tcp://127.0.0.1:9000"


@contextmanager
def monitored(
    config: ModelConfig, addresses: MonitorAddresses | None, progress: Progress
) -> "Iterator[list[keras.callbacks.Callback]]":
    """Callbacks that tell SLEAP's GUI of a training, as long as the block lasts; none without addresses."""
    if addresses is None:
        yield []
        return
    messages = MonitorMessages(config, addresses, progress)
    try:
        yield [messages]
    finally:
        messages.close()


class MonitorMessages(keras.callbacks.Callback):
    """JSON messages {"what", "event", …} on a PUB socket; {"command": "stop"} from a SUB socket ends the training.

    Source: SLEAP's `sleap/nn/callbacks.py` and sleap-nn's `training/callbacks.py`, by their messages; the names of
    losses are those of all versions, since each reads its own.
    """

    def __init__(self, config: ModelConfig, addresses: MonitorAddresses, progress: Progress) -> None:
        """Connect; raises ConfigError for an address that is none, or without ZeroMQ's package."""
        super().__init__()
        try:
            import zmq
        except ImportError as error:
            raise ConfigError("messages to SLEAP's GUI need the package pyzmq: pip install 'poseflow[live]'") from error
        self.progress, self.epochs = progress, config.training.max_epochs
        self.what = HEAD_NAMES.get(config.kind, config.kind)
        self._context: Any = zmq.Context()
        self._sockets: list[Any] = []
        try:
            self._publisher = self._connect(zmq.PUB, addresses.progress)
            self._subscriber = self._connect(zmq.SUB, addresses.control)
        except zmq.ZMQError as error:
            self.close()
            raise ConfigError(
                f"addresses of messages must be like tcp://127.0.0.1:9001, got {addresses.progress} and "
                f"{addresses.control}: {error}"
            ) from error
        self._subscriber.setsockopt_string(zmq.SUBSCRIBE, "")
        self._again = zmq.Again
        self._dont_wait = zmq.NOBLOCK
        time.sleep(JOINING_S)

    def _connect(self, kind: int, address: str) -> Any:
        socket = self._context.socket(kind)
        self._sockets.append(socket)
        socket.linger = 500
        socket.connect(address)
        return socket

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Say which head it is."""
        self._send("train_begin", wandb_url=None)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Epochs are counted from 0 in messages."""
        self._send("epoch_begin", epoch=epoch)

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Both names that this event has had."""
        self._send("batch_begin", batch=batch)
        self._send("batch_start", batch=batch)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Tell the loss, and stop where that is wanted."""
        self._send("batch_end", batch=batch, logs=_floats(logs))
        for command in self._receive():
            if command.get("command") == "stop":
                logger.info("SLEAP's GUI stops this training early; the best weights are kept")
                self.progress.stopped = self.model.stop_training = True
            else:
                logger.warning("a message to a training must be the command stop, got %s", command)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Tell the losses, under each name that a version of SLEAP reads."""
        told = _floats(logs)
        for name, own in (("loss", "train"), ("val_loss", "val")):
            if name in told:
                told |= {f"{own}/loss": told[name], f"{own}_loss": told[name]}
        self._send("epoch_end", epoch=epoch, logs=told)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Say so."""
        self._send("train_end")

    def _send(self, event: str, **content: Any) -> None:
        self._publisher.send_string(json.dumps({"what": self.what, "event": event, **content}))

    def _receive(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        while True:
            try:
                text = self._subscriber.recv(self._dont_wait)
            except self._again:
                return found
            try:
                message = json.loads(text)
            except ValueError:
                message = None
            found.append(message if isinstance(message, dict) else {"command": text[:80]})

    def close(self) -> None:
        """Send what is still to be sent, for half a second at most."""
        for socket in self._sockets:
            socket.close()
        self._context.term()


def _floats(logs: Mapping[str, Any] | None) -> dict[str, float]:
    return {name: float(value) for name, value in (logs or {}).items()}

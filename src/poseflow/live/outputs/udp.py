"""Datagrams: JSON, or Open Sound Control (OSC), which Bonsai, Max and many instruments read."""

import socket
import struct
from contextlib import suppress
from typing import Any

from poseflow.core.errors import ConfigError
from poseflow.live.outputs.output import Output
from poseflow.live.poses import LivePoses, TriggerEvent

MOST_BYTES = 65_507
"""Of a datagram."""


class UdpOutput(Output):
    """A datagram of JSON for each message, to `udp:HOST:PORT`."""

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        host, colon, port = argument.rpartition(":")
        if not colon or not port.isdecimal() or not 0 < int(port) < 65_536:
            raise ConfigError(f"an output by UDP must be HOST:PORT, got {argument!r}")
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
        self._address: tuple[Any, ...] = found[4]
        self._socket = socket.socket(found[0], found[1])

    def send_poses(self, poses: LivePoses) -> None:
        """Send a datagram."""
        self._send(poses.encoded)

    def send_trigger(self, event: TriggerEvent) -> None:
        """Send a datagram."""
        self._send(event.encoded)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send(self, message: bytes) -> None:
        if len(message) > MOST_BYTES:
            raise ConfigError(f"a datagram must have at most {MOST_BYTES} bytes, got {len(message)}: too many animals")
        with suppress(ConnectionRefusedError):  # nobody listens yet
            self._socket.sendto(message, self._address)


class OscOutput(UdpOutput):
    """Messages of OSC 1.0, to `osc:HOST:PORT`.

    `/poseflow/pose frame track name score x y x y …`: one for each animal, points in the skeleton's order, NaN where
    missing, the name empty where there is none. `/poseflow/trigger name value frame`: value is 1 or 0.
    """

    def send_poses(self, poses: LivePoses) -> None:
        """Send a datagram for each animal."""
        for row, name in enumerate(poses.identity):
            score = float(poses.instances.score[row])
            points = poses.points[row].reshape(-1).tolist()
            self._send(encode_osc("/poseflow/pose", poses.frame_idx, int(poses.track[row]), name or "", score, *points))

    def send_trigger(self, event: TriggerEvent) -> None:
        """Send a datagram."""
        self._send(encode_osc("/poseflow/trigger", event.name, int(event.is_met), event.frame_idx))


def encode_osc(address: str, *values: int | float | str) -> bytes:
    """A message of OSC 1.0.

    Source: Wright 2002, "The Open Sound Control 1.0 Specification".
    """
    tags, content = ",", b""
    for value in values:
        if isinstance(value, str):
            tags, content = tags + "s", content + _pad(value)
        elif isinstance(value, int):
            tags, content = tags + "i", content + struct.pack(">i", value % 2**31)
        else:
            tags, content = tags + "f", content + struct.pack(">f", value)
    return _pad(address) + _pad(tags) + content


def _pad(text: str) -> bytes:
    """A string that ends with 1 to 4 zeros, at a multiple of 4 bytes."""
    raw = text.encode()
    return raw + bytes(4 - len(raw) % 4)

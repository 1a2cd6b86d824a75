"""Triggers over a serial line: an Arduino, a stimulator."""

from typing import Any

from poseflow.core.errors import ConfigError
from poseflow.live.outputs.output import Output
from poseflow.live.poses import TriggerEvent

DEFAULT_BAUD = 115_200


class SerialOutput(Output):
    """A line `NAME 1` or `NAME 0` at each evaluation of a trigger, to `serial:DEVICE` or `serial:DEVICE@BAUD`.

    It comes again and again, so that a device can take silence for 0. Poses are not sent.
    """

    def __init__(self, argument: str) -> None:
        import serial

        super().__init__(argument)
        device, _, baud = argument.partition("@")
        if not device or not (baud or "1").isdecimal():
            raise ConfigError(f"an output by serial line must be DEVICE or DEVICE@BAUD, got {argument!r}")
        self._line: Any = serial.Serial(device, int(baud or DEFAULT_BAUD), write_timeout=1)

    def send_trigger(self, event: TriggerEvent) -> None:
        """Write a line."""
        self._line.write(f"{event.name} {int(event.is_met)}\n".encode())

    def close(self) -> None:
        """Close the line."""
        self._line.close()

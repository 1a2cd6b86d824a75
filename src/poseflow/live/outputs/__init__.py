"""Where live poses and triggers go: a kind of output a file."""

from poseflow.core.errors import ConfigError
from poseflow.core.registry import Registry
from poseflow.live.outputs.delivery import Delivery
from poseflow.live.outputs.output import Output

__all__ = ["OUTPUTS", "Delivery", "Output", "open_output"]

OUTPUTS = Registry[type[Output]](
    "live_outputs",
    "the kind of a live output",
    file="poseflow.live.outputs.file:FileOutput",
    osc="poseflow.live.outputs.udp:OscOutput",
    serial="poseflow.live.outputs.serial_line:SerialOutput",
    udp="poseflow.live.outputs.udp:UdpOutput",
    zmq="poseflow.live.outputs.zeromq:ZmqOutput",
)
"""Kinds of outputs by the name before the colon, as in `udp:localhost:9000`."""


def open_output(text: str) -> Output:
    """Open an output, `KIND:ARGUMENT`.

    Raises: ConfigError for what is none, or cannot be opened.
    """
    kind, colon, argument = text.partition(":")
    if not colon:
        raise ConfigError(f"--output must be KIND:ARGUMENT, as udp:localhost:9000, got {text!r}")
    try:
        return OUTPUTS[kind](argument)
    except OSError as error:
        raise ConfigError(f"--output {text} must be one that can be opened, got: {error}") from None
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"--output {text} needs the package {error.name}, which is not installed; `pip install 'poseflow[live]'`"
        ) from None

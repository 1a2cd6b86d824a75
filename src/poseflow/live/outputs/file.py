"""Poses and triggers as lines of JSON, in a file."""

from poseflow.core.errors import ConfigError
from poseflow.live.outputs.output import Output
from poseflow.live.poses import LivePoses, TriggerEvent


class FileOutput(Output):
    """A line for each message, written at once: what was sent is there whatever happens next. `file:PATH`."""

    queue_length = 4096

    def __init__(self, argument: str) -> None:
        super().__init__(argument)
        if not argument:
            raise ConfigError("--output file: must be given a path, got none")
        try:
            self._file = open(argument, "xb", buffering=0)  # noqa: PTH123, SIM115 - unbuffered, and open for long
        except FileExistsError:
            raise ConfigError(f"--output file:{argument} must be a new file, got one that is there") from None

    def send_poses(self, poses: LivePoses) -> None:
        """Write a line."""
        self._file.write(poses.encoded + b"\n")

    def send_trigger(self, event: TriggerEvent) -> None:
        """Write a line."""
        self._file.write(event.encoded + b"\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

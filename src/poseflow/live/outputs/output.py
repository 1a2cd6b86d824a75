"""What an output of live poses is."""

from poseflow.live.poses import LivePoses, TriggerEvent


class Output:
    """Where poses and triggers are sent, one call after the other, from a thread of the output's own.

    Another package adds a kind by an entry point `poseflow.live_outputs`, which names a class of this form. It is made
    with what stands behind its name (`KIND:ARGUMENT`), and raises ConfigError or OSError where that cannot be opened.
    A call may take its time: what comes meanwhile waits, and the oldest of more than `queue_length` is dropped.
    """

    queue_length = 64

    def __init__(self, argument: str) -> None:
        self.argument = argument

    def send_poses(self, poses: LivePoses) -> None:
        """Send a frame's poses; by default they are not sent."""

    def send_trigger(self, event: TriggerEvent) -> None:
        """Send what a trigger says, at every evaluation; a last one says that it is not met. By default nothing."""

    def close(self) -> None:
        """Let go; called once, after the last event."""

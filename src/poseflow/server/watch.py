"""What happens to a project without the page's doing: it is looked at now and then, as long as a tab is open."""

import logging
import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from poseflow.core.errors import PoseflowError
from poseflow.server.errors import RefusedError
from poseflow.server.messages.claims import NetworksEvent, RecordingsEvent, RunEvent, TablesEvent
from poseflow.server.project import stamp_of
from poseflow.server.runs.trainings import list_trainings

if TYPE_CHECKING:
    from poseflow.server.page import Page

logger = logging.getLogger("poseflow")
EVERY_S = 2.0


class Watch:
    """Looks every other second at what tabs show, and tells them of what is new."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self._ended = threading.Event()
        self._seen: dict[Hashable, Hashable] = {}
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a look that is under way comes to its end."""
        self._ended.set()

    def _run(self) -> None:
        self._try(self._page.overview.list_recordings)  # known, as a rule, before the link is opened
        while not self._ended.wait(EVERY_S):
            if self._page.hub.listeners:
                self._try(self.look)

    @staticmethod
    def _try(act: Callable[[], object]) -> None:
        try:
            act()
        except (PoseflowError, OSError, RefusedError) as error:  # said where somebody asks for it
            logger.debug("watch: %s", error)

    def look(self) -> None:
        """Look once."""
        page, places = self._page, self._page.project.places
        plan = page.project.plan()
        for recording in page.hub.watched():
            if recording not in plan.recordings:
                continue
            page.tell_claims(recording)
            tables = [
                places.tracks(recording),
                *(places.pose_table(recording, video) for video in plan.recordings[recording]),
            ]
            state = tuple(stamp_of(path) for path in tables)
            if self._is_new(("tables", recording), state):
                page.hub.publish(TablesEvent(recording=recording, tables=None))
        if self._is_new("plan", (tuple(plan.recordings), stamp_of(places.all_poses))):
            page.hub.publish(RecordingsEvent())
        status = page.overview.status()
        if status is None:
            return
        counts = status.is_running or page.run.is_at_work(), len(status.done), len(status.failed)
        if self._is_new("run", counts):
            page.hub.publish(RunEvent(running=counts[0], done=counts[1], failed=counts[2]))
        # All of them at once: one that begins or ends is news too.
        trainings = [
            (one.name, one.version, one.state, one.epoch, one.stopping)
            for one in list_trainings(places, status.is_running)
        ]
        if self._is_new("networks", (stamp_of(places.history), *trainings)):
            page.hub.publish(NetworksEvent())

    def _is_new(self, what: Hashable, state: Hashable) -> bool:
        """Whether something is otherwise than when it was looked at last; not so at the first look."""
        before = self._seen.get(what)
        self._seen[what] = state
        return before is not None and before != state

"""All that the routes work with: one object for the server's life."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from poseflow import __version__
from poseflow.corrections import AnyClaim, find_taken_back
from poseflow.server.claims import ClaimsBook, RecordingClaims
from poseflow.server.events import Hub
from poseflow.server.frames.packets import PacketRuns
from poseflow.server.frames.stills import Stills
from poseflow.server.label_files.books import LabelBooks
from poseflow.server.label_files.suggestions import Suggester
from poseflow.server.messages.claims import ClaimsEvent
from poseflow.server.overview import Overview
from poseflow.server.poses.lanes import Summaries
from poseflow.server.poses.overlay import Override
from poseflow.server.project import Project
from poseflow.server.runs.control import RunControl
from poseflow.server.watch import Watch

_PROFILE = re.compile(r"[A-Za-z0-9][\w.-]*")
STATIC = Path(__file__).parent / "static"


@dataclass
class Page:
    """A project and what of it is open."""

    project: Project
    author: str
    read_only: bool = False
    static: Path = STATIC
    stills: Stills = field(default_factory=Stills)
    packets: PacketRuns = field(default_factory=PacketRuns)
    summaries: Summaries = field(default_factory=Summaries)
    known_overrides: dict[tuple[object, ...], list[Override]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hub = Hub(__version__, self.project.started.isoformat())
        self.claims = ClaimsBook(self.project)
        self.run = RunControl(self.project.places, self.find_profiles, self.project.config_path)
        self.labels = LabelBooks(self.project)
        self.suggester = Suggester(self.project, self.labels)
        self.overview = Overview(self.project, self.claims, self.hub)
        self.watch = Watch(self)

    def tell_claims(self, recording: str, said: Sequence[AnyClaim] = ()) -> RecordingClaims:
        """Look what is said of a recording, and tell the tabs of what is new: what others wrote, and what is `said`."""
        book, found = self.claims.read(recording)
        if new := [*said, *found]:
            gone, cursor = sorted(find_taken_back(book.claims)), self.claims.cursor(book)
            self.hub.publish(ClaimsEvent(recording=recording, cursor=cursor, claims=new, taken_back=gone))
        return book

    def find_profiles(self) -> list[str]:
        """Profiles of Snakemake that a run can be started with."""
        folder = self.project.folder
        found = [name for name in ("local", "slurm") if (folder / name / "config.yaml").is_file()]
        found += sorted(path.parent.name for path in folder.glob("profiles/*/config.yaml"))
        return [name for name in dict.fromkeys(found) if name != "default" and _PROFILE.fullmatch(name)]

    def close(self) -> None:
        """Let go of all files."""
        self.watch.stop()
        self.hub.close()
        self.stills.close()
        self.packets.close()

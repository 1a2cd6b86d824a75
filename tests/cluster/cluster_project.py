"""The small project on a virtual cluster, and a run of it that something happens to."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.virtual_slurm import VirtualCluster, wait_for
from small_project import Project

from poseflow.runs.places import PLACES

TRACKS = str(PLACES.tracks("first"))


@dataclass(frozen=True)
class ClusterProject(Project):
    """The small project, run with `snakemake --profile slurm`."""

    cluster: VirtualCluster | None = None

    @property
    def options(self) -> list[str]:
        quick = ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10"]
        return ["--profile", "slurm", *quick]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(Path(__file__).with_name("snakemake_asking_often.py")), *self.options, *arguments]

    def quick_command(self, *arguments: str) -> list[str]:
        return self.command(*arguments)  # SLURM is to see the jobs' own processes

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self.cluster.environment}

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen]:
        """Start the workflow; it may be disturbed in the `with` block, and must end well."""
        log = self.folder / "run.log"
        with log.open("w") as file:
            run = subprocess.Popen(
                self.command(*arguments), cwd=self.folder, env=self.environment, stdout=file, stderr=subprocess.STDOUT
            )
        try:
            yield run
            code = run.wait(timeout=900)
            assert code == 0, f"{log.read_text()[-5000:]}\n{self.logs()}\n{self.history()}"
        finally:
            run.kill()

    def find_job(self, comment: str, state: str = "RUNNING") -> str:
        """Wait for a job whose comment begins so and that is in this state; gives its id."""
        found: list[str] = []

        def look() -> bool:
            listed = self.cluster.run("squeue", "-h", "-o", "%i|%T|%k", check=False).splitlines()
            jobs = (line.split("|", 2) for line in listed)
            found[:] = [job for job, is_in, said in jobs if said.startswith(comment) and is_in == state]
            return bool(found)

        wait_for(look, f"a job {comment} is {state}")
        return found[0]

    def history(self) -> str:
        """Every job of this folder, the steps and states that it had."""
        fields = "jobid,comment%60,state,exitcode,submit,start,end,nodelist,workdir%100"
        listed = self.cluster.run("sacct", "--duplicates", "-P", "-o", fields, check=False).splitlines()
        return "\n".join(line for line in listed if not line.split("|")[-1] or line.endswith(str(self.folder)))

    def count_jobs(self, comment: str) -> int:
        """How many jobs with such a comment, and of this folder, were ever submitted."""
        listed = self.cluster.run("sacct", "-X", "-n", "-P", "-o", "workdir,comment%200").splitlines()
        return sum(line.startswith(f"{self.folder}|{comment}") for line in listed)

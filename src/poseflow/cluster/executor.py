"""What poseflow uses of Snakemake and of its SLURM executor beyond what these document: all of it is in this file.

pyproject.toml bounds the versions of both; `list_unknown_versions` says where another one is installed, and
`Execution.adapt` where something is gone.
"""

import functools
import importlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from poseflow.cluster.resources import ELSEWHERE, LOCAL, SLURM
from poseflow.runs.lock import RunError

BOUNDED = ("snakemake", "snakemake-executor-plugin-slurm")
"""Packages of which more than the documented is used."""
USED_OF_WORKFLOW = (
    "dag_settings",
    "execute",
    "executor_plugin",
    "local_exec",
    "localrules",
    "remote_exec",
    "rules",
    "scheduler",
)
SUBMITS = "scheduler"
"""The resource that marks rules whose jobs may submit jobs of their own, through submitit."""

States = dict[str, str]
Query = Callable[[str, Any], Awaitable[tuple[States | None, float | None]]]


def list_unknown_versions(
    requirements: Iterable[str] | None = None, installed: Callable[[str], str] = version
) -> list[str]:
    """One sentence for each package whose version is not one of those that poseflow was tried with."""
    known = map(Requirement, requires("poseflow") or [] if requirements is None else requirements)
    return [
        f"{one.name} must be {one.specifier}, got {installed(one.name)}, which poseflow was not tried with"
        for one in known
        if one.name in BOUNDED and not one.specifier.contains(installed(one.name), prereleases=True)
    ]


def find_scheduler(workflow: Any) -> str:
    """Who gives trainings a machine; known once the workflow runs, not while its rules are read.

    LOCAL or SLURM: the rule's job submits them through submitit. ELSEWHERE: whichever executor of Snakemake's runs that
    job has given it the machine.
    """
    if workflow.remote_exec:
        return ELSEWHERE
    if workflow.local_exec:
        return LOCAL
    return SLURM if workflow.executor_plugin.name == SLURM else ELSEWHERE


@dataclass(frozen=True)
class Execution:
    """The workflow, about to be carried out by an executor; or to be shown, by the executor `dryrun`."""

    workflow: Any
    plugin: Any
    settings: Any

    @property
    def is_dry_run(self) -> bool:
        """Whether nothing is to be done."""
        return bool(self.plugin.common_settings.dryrun_exec)

    @property
    def is_on_slurm(self) -> bool:
        """Whether jobs go to SLURM."""
        return bool(self.plugin.name == SLURM)

    @property
    def targets(self) -> set[str]:
        """Rules and files that are asked for by name; none: the default target is."""
        return set(self.workflow.dag_settings.targets)

    @property
    def makes_all(self) -> bool:
        """Whether all that there is to make is asked for, and not a part of it."""
        dag = self.workflow.dag_settings
        is_part = dag.until or dag.omit_from or dag.batch or dag.target_jobs
        return not is_part and (not self.targets or bool(self.targets & {"all", "nightly"}))

    def adapt(self) -> None:
        """Make ready the executor that is in use, and no other.

        Where trainings go through submitit, their rule's jobs stay in this process, and are tried once: they submit,
        wait, and know themselves when to submit again. Elsewhere they are jobs like any other.

        Raises: RunError where Snakemake or its executor lacks what is used of them.
        """
        check_attributes("snakemake", self.workflow, USED_OF_WORKFLOW)
        if self.is_on_slurm:
            mend_status_queries(requeue=self.settings.requeue)
        if self.is_on_slurm or self.plugin.common_settings.local_exec:
            for rule in self.workflow.rules:
                if SUBMITS in rule.resources:
                    self.workflow.localrules(rule.name)
                    rule.restart_times = 0


def surround_execution(workflow: Any, surrounding: Callable[[Execution], AbstractContextManager[None]]) -> None:
    """Let the workflow be carried out within a context, entered before Snakemake looks which files are there.

    `onstart` comes after that. Only here is it known what this process is to do; jobs, and commands that carry out
    nothing, such as `--lint`, do not come here.
    """
    check_attributes("snakemake", workflow, ["execute"])
    execute = workflow.execute

    def execute_within(executor_plugin: Any, executor_settings: Any, **others: Any) -> Any:
        with surrounding(Execution(workflow, executor_plugin, executor_settings)):
            return execute(executor_plugin=executor_plugin, executor_settings=executor_settings, **others)

    workflow.execute = execute_within


def call_at_end(workflow: Any, on_success: Callable[[], None], on_error: Callable[[], None]) -> None:
    """As `onsuccess` and `onerror`, which Snakemake leaves out where a workflow is imported as a module."""
    check_attributes("snakemake", workflow, ["_onerror", "_onsuccess"])
    workflow._onsuccess = lambda log: on_success()
    workflow._onerror = lambda log: on_error()


@dataclass(frozen=True)
class FailedJob:
    """A job that failed, when all its tries were used up."""

    rule: str
    wildcards: Mapping[str, str]
    log: Path | None


def list_failed_jobs(workflow: Any) -> list[FailedJob]:
    """The jobs that failed; those of a group one by one."""
    jobs = [one for job in workflow.scheduler.failed for one in (job.jobs if job.is_group() else [job])]
    return [FailedJob(job.rule.name, job.wildcards_dict, Path(job.log[0]) if job.log else None) for job in jobs]


def mend_status_queries(requeue: bool) -> None:
    """Tell the SLURM executor of this process (2.8) what it must know of the states of its jobs, or it waits forever.

    `sacct` says "CANCELLED by 1000", which the executor takes for a job that runs; and once accounting has not answered
    five times in a row, it forgets the jobs that it asked about. Of a job whose node was lost, and which SLURM starts
    anew, it takes "None assigned" for the lost node's name, and no job can be submitted after that. So it sees plain
    states, and no answer as no news.

    Args:
        requeue: SLURM starts jobs anew whose node was lost.
    """
    executor = importlib.import_module("snakemake_executor_plugin_slurm")
    check_attributes("snakemake-executor-plugin-slurm", executor, ["query_job_status"])
    vars(executor)["query_job_status"] = ask_plainly(executor.query_job_status, requeue)


def ask_plainly(query: Query, requeue: bool) -> Query:
    """Wrap the executor's question after the states of its jobs; see `mend_status_queries`."""
    instead = {"NODE_FAIL": "PENDING"} if requeue else {}

    @functools.wraps(query)
    async def ask(command: str, logger: Any) -> tuple[States, float]:
        states, seconds = await query(command, logger)
        plain = {job: state.split()[0] for job, state in (states or {}).items() if state}
        return {job: instead.get(state, state) for job, state in plain.items()}, seconds or 0.0

    return ask


def check_attributes(package: str, of: Any, names: Iterable[str]) -> None:
    """Raise RunError, naming the version that is installed, where a package lacks what is used of it."""
    missing = [name for name in names if not hasattr(of, name)]
    if missing:
        known = [str(one.specifier) for one in map(Requirement, requires("poseflow") or []) if one.name == package]
        raise RunError(
            f"{package} must be a version that poseflow knows ({', '.join(known)}), got {version(package)}, which has "
            f"no {', '.join(missing)}"
        )

"""What is used of Snakemake and its SLURM executor beyond what they document."""

import asyncio
import inspect
from types import SimpleNamespace

import pytest
import snakemake_executor_plugin_slurm as slurm
from snakemake.api import Workflow
from snakemake.rules import Rule

from poseflow.cluster.executor import (
    USED_OF_WORKFLOW,
    Execution,
    ask_plainly,
    check_attributes,
    find_scheduler,
    list_unknown_versions,
)
from poseflow.runs.lock import RunError


@pytest.mark.parametrize(
    ("answer", "requeue", "states"),
    [
        (({"1": "CANCELLED by 1000", "2": "RUNNING", "3": ""}, 0.1), True, {"1": "CANCELLED", "2": "RUNNING"}),
        ((None, None), True, {}),
        (({"1": "NODE_FAIL"}, 0.1), True, {"1": "PENDING"}),
        (({"1": "NODE_FAIL"}, 0.1), False, {"1": "NODE_FAIL"}),
    ],
    ids=["cancelled by somebody", "no answer", "SLURM starts it anew", "nobody starts it anew"],
)
def test_the_executor_sees_plain_states_and_no_answer_as_no_news(answer, requeue, states):
    async def query(command, logger):
        return answer

    assert asyncio.run(ask_plainly(query, requeue)("sacct", None))[0] == states


def test_the_executor_still_asks_the_way_that_is_mended():
    assert "query_job_status(" in inspect.getsource(slurm.Executor.check_active_jobs)


def test_this_snakemake_has_all_that_is_used_of_it():
    own = {name for name in dir(Workflow) if not name.startswith("__")} | {"scheduler"}
    assert set(USED_OF_WORKFLOW) <= own
    assert isinstance(Rule.restart_times, property) and Rule.restart_times.fset


@pytest.fixture
def ask_unchanged(monkeypatch):
    """The SLURM executor's question as its authors wrote it, now and after the test."""
    monkeypatch.setattr(slurm, "query_job_status", slurm.query_job_status)
    return slurm.query_job_status


def workflow_on(name, *, is_local, is_remote_job=False):
    """A workflow of two rules, of which one submits jobs of its own."""
    rules = [
        SimpleNamespace(name="train", resources={"scheduler": None}, restart_times=None),
        SimpleNamespace(name="predict", resources={}, restart_times=None),
    ]
    local_rules = set()
    return SimpleNamespace(
        executor_plugin=SimpleNamespace(name=name, common_settings=SimpleNamespace(local_exec=is_local)),
        local_exec=is_local,
        remote_exec=is_remote_job,
        dag_settings=None,
        execute=None,
        scheduler=None,
        rules=rules,
        localrules=local_rules.add,
        local_rules=local_rules,
    )


@pytest.mark.parametrize(
    ("name", "is_local", "scheduler", "local_rules", "retries", "is_mended"),
    [
        ("local", True, "local", {"train"}, 0, False),
        ("slurm", False, "slurm", {"train"}, 0, True),
        ("cluster-generic", False, "elsewhere", set(), None, False),
        ("kubernetes", False, "elsewhere", set(), None, False),
    ],
)
def test_trainings_wait_for_jobs_of_submitit_on_one_machine_and_on_slurm_and_are_ordinary_jobs_elsewhere(
    ask_unchanged, name, is_local, scheduler, local_rules, retries, is_mended
):
    workflow = workflow_on(name, is_local=is_local)
    Execution(workflow, workflow.executor_plugin, SimpleNamespace(requeue=True)).adapt()
    assert find_scheduler(workflow) == scheduler
    assert workflow.local_rules == local_rules
    assert [rule.restart_times for rule in workflow.rules] == [retries, None]
    assert (slurm.query_job_status is not ask_unchanged) == is_mended


def test_in_a_job_that_an_executor_has_started_the_training_has_its_machine():
    assert find_scheduler(workflow_on("local", is_local=True, is_remote_job=True)) == "elsewhere"


def test_a_version_that_was_not_tried_is_named_in_one_sentence():
    known = ["snakemake<10,>=9.5", "snakemake-executor-plugin-slurm<3,>=2.8", "numpy>=2"]
    assert list_unknown_versions(known, {"snakemake": "9.27.1", "snakemake-executor-plugin-slurm": "2.8.0"}.get) == []
    versions = {"snakemake": "10.0.0", "snakemake-executor-plugin-slurm": "2.8.0"}
    assert list_unknown_versions(known, versions.get) == [
        "snakemake must be <10,>=9.5, got 10.0.0, which poseflow was not tried with"
    ]
    assert list_unknown_versions() == [], "what is installed here"


def test_what_is_gone_from_a_package_is_named_with_its_version():
    with pytest.raises(
        RunError, match=r"snakemake must be a version that poseflow knows \(.*\), got 9.*, which has no b$"
    ):
        check_attributes("snakemake", SimpleNamespace(a=1), ["a", "b"])

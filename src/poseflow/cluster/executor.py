"""What Snakemake's SLURM executor (2.8) must be told about the states of its jobs, or it waits forever.

`sacct` says "CANCELLED by 1000", which the executor takes for a job that runs; and once accounting has not answered
five times in a row, it forgets the jobs that it asked about. Of a job whose node was lost, and which SLURM starts anew,
it takes "None assigned" for the lost node's name, and no job can be submitted after that.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

States = dict[str, str]
Query = Callable[[str, Any], Awaitable[tuple[States | None, float | None]]]


def mend_status_queries(requeue: bool) -> None:
    """Let the executor of this process see plain states, and no answer as no news.

    Args:
        requeue: SLURM starts jobs anew whose node was lost.
    """
    import snakemake_executor_plugin_slurm as executor

    executor.query_job_status = ask_plainly(executor.query_job_status, requeue)


def ask_plainly(query: Query, requeue: bool) -> Query:
    """Wrap the executor's question after the states of its jobs; see `mend_status_queries`."""
    instead = {"NODE_FAIL": "PENDING"} if requeue else {}

    @functools.wraps(query)
    async def ask(command: str, logger: Any) -> tuple[States, float]:
        states, seconds = await query(command, logger)
        plain = {job: state.split()[0] for job, state in (states or {}).items() if state}
        return {job: instead.get(state, state) for job, state in plain.items()}, seconds or 0.0

    return ask

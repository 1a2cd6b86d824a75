"""Snakemake, but its SLURM executor looks at jobs every two seconds, where it soon does so every half minute only.

Most of the time that a test on the virtual cluster takes would be such waiting. The tests of `test_readme.py` run
Snakemake as it is.
"""

import asyncio

from snakemake.cli import main
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

RemoteExecutor.sleep = lambda self: asyncio.sleep(2)

if __name__ == "__main__":
    main()

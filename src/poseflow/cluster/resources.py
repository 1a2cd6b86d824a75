"""What a job may use, from a rule's resources to the parameters of submitit."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from poseflow.core.errors import ConfigError

SIGNAL_DELAY_S = 120
LOCAL, SLURM, ELSEWHERE = "local", "slurm", "elsewhere"
"""Who gives a training its machine: submitit on this one, submitit on SLURM, or an executor of Snakemake's."""
MANY = 1_000_000


@dataclass(frozen=True)
class JobResources:
    """Resources of one job, named as Snakemake's SLURM executor names them in a profile."""

    scheduler: str = LOCAL
    """LOCAL, SLURM or ELSEWHERE"""
    runtime_min: int = 240
    mem_mb: int = 8000
    cpus: int = 1
    gpus: int = 0
    """A training that has several shares each batch among them."""
    signal_delay_s: int = SIGNAL_DELAY_S
    """So long before its time limit a job is told to make way."""
    slurm: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of `sbatch`, by their long names."""

    @classmethod
    def from_rule(cls, resources: Mapping[str, Any], threads: int) -> "JobResources":
        """Resources as the rule and the profile give them.

        Known are runtime (min), mem_mb, cpus_per_task (else the rule's threads), gpu, gres, slurm_account,
        slurm_partition, qos, constraint, slurm_extra, signal_delay_s and scheduler. Raises ConfigError.
        """
        slurm = _parse_extra(str(resources.get("slurm_extra", "")))
        for name, key in (
            ("account", "slurm_account"),
            ("partition", "slurm_partition"),
            *((same, same) for same in ("qos", "constraint", "gres")),
        ):
            if resources.get(key):
                slurm[name] = resources[key]
        return cls(
            scheduler=str(resources.get("scheduler", LOCAL)),
            runtime_min=int(resources.get("runtime", cls.runtime_min)),
            mem_mb=int(resources.get("mem_mb", cls.mem_mb)),
            cpus=int(resources.get("cpus_per_task", threads)),
            gpus=int(resources.get("gpu", 0)),
            signal_delay_s=int(resources.get("signal_delay_s", SIGNAL_DELAY_S)),
            slurm=slurm,
        )

    def submitit_parameters(self, name: str) -> dict[str, Any]:
        """For `AutoExecutor.update_parameters`; a job on this machine has no time limit to speak of."""
        if self.scheduler == LOCAL:
            return {"timeout_min": MANY, "gpus_per_node": self.gpus}
        parameters: dict[str, Any] = {
            "name": name,
            "timeout_min": self.runtime_min,
            "mem_gb": self.mem_mb / 1024,
            "cpus_per_task": self.cpus,
            "slurm_signal_delay_s": self.signal_delay_s,
            "slurm_additional_parameters": dict(self.slurm),
            "stderr_to_stdout": True,
        }
        return parameters | ({"gpus_per_node": self.gpus} if self.gpus and "gres" not in self.slurm else {})


def _parse_extra(text: str) -> dict[str, Any]:
    """`--reservation=night --exclusive` as {"reservation": "night", "exclusive": True}."""
    options = {}
    for word in shlex.split(text):
        name, separator, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or not name:
            raise ConfigError(f"slurm_extra must be of options like --reservation=night, got {word!r}")
        options[name] = value if separator else True
    return options

"""Number formats of the networks' arithmetic."""

from pathlib import Path

from poseflow.config import Precision
from poseflow.networks.compiled import has_gpu


def choose_precision(precision: Precision) -> str:
    """Resolve `auto` to the Keras dtype policy that is fastest here without a loss of accuracy.

    bfloat16 on processors with avx512_bf16 or AMX and on GPUs, else float32.
    """
    if precision != "auto":
        return precision
    return "mixed_bfloat16" if has_gpu() or _cpu_has_bfloat16() else "float32"


def _cpu_has_bfloat16() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    return cpuinfo.exists() and bool({"avx512_bf16", "amx_bf16"} & set(cpuinfo.read_text().split()))

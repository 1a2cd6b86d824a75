"""How long a training lasts, and its learning rate, step by step."""

from math import cos, pi

from poseflow.config import TrainingConfig

FLOOR = 0.01  # the cosine ends at this share of the learning rate
ENDLESS = 1_000_000


def share_done(step: int, steps_per_epoch: int, seconds: float, config: TrainingConfig) -> float:
    """How much of a training lies behind it, 0 to 1: of its steps after the warm-up, or of its time.

    Args:
        step: number of the step, from 0.
        seconds: of training so far.
    """
    if config.minutes is not None:
        return min(seconds / (60 * config.minutes), 1.0)
    total = config.max_epochs * steps_per_epoch
    return min(max(step - config.warmup_steps, 0) / max(total - config.warmup_steps, 1), 1.0)


def count_epochs(config: TrainingConfig) -> int:
    """Epochs, at most; without end where time says how many."""
    return config.max_epochs if config.minutes is None else ENDLESS


def learning_rate(step: int, done: float, config: TrainingConfig, factor: float = 1.0) -> float:
    """Rate at a step: linear warm-up, then a cosine down to 1 %, or `factor` as the plateau rule has it so far.

    Args:
        done: of `share_done`.
    """
    warm = min((step + 1) / config.warmup_steps, 1.0) if config.warmup_steps else 1.0
    if config.schedule == "plateau":
        return config.learning_rate * warm * factor
    return config.learning_rate * warm * (FLOOR + (1 - FLOOR) * (1 + cos(pi * done)) / 2)

"""How long a training lasts, and its learning rate, step by step."""

from math import cos, pi

from poseflow.config import TrainingConfig

FLOOR = 0.01  # the cosine ends at this share of the learning rate


def share_done(step: int, steps_per_epoch: int, seconds: float, config: TrainingConfig) -> float:
    """How much of a training lies behind it, 0 to 1: of its steps after the warm-up, or of its time if that is more.

    Args:
        step: number of the step, from 0.
        seconds: of training so far.
    """
    total = config.max_epochs * steps_per_epoch
    of_steps = max(step - config.warmup_steps, 0) / max(total - config.warmup_steps, 1)
    of_time = 0.0 if config.minutes is None else seconds / (60 * config.minutes)
    return min(max(of_steps, of_time), 1.0)


def learning_rate(step: int, done: float, config: TrainingConfig, factor: float = 1.0) -> float:
    """Rate at a step: linear warm-up, then a cosine down to 1 %, or `factor` as the plateau rule has it so far.

    Args:
        done: of `share_done`.
    """
    warm = min((step + 1) / config.warmup_steps, 1.0) if config.warmup_steps else 1.0
    if config.schedule == "plateau":
        return config.learning_rate * warm * factor
    return config.learning_rate * warm * (FLOOR + (1 - FLOOR) * (1 + cos(pi * done)) / 2)

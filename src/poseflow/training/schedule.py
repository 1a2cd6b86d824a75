"""The learning rate, step by step."""

from math import cos, pi

from poseflow.config import TrainingConfig

FLOOR = 0.01  # the cosine ends at this share of the learning rate


def learning_rate(step: int, total_steps: int, config: TrainingConfig, factor: float = 1.0) -> float:
    """Rate at a step: linear warm-up, then a cosine down to 1 %, or `factor` as the plateau rule has it so far."""
    warm = min((step + 1) / config.warmup_steps, 1.0) if config.warmup_steps else 1.0
    if config.schedule == "plateau":
        return config.learning_rate * warm * factor
    done = min(max(step - config.warmup_steps, 0) / max(total_steps - config.warmup_steps, 1), 1.0)
    return config.learning_rate * warm * (FLOOR + (1 - FLOOR) * (1 + cos(pi * done)) / 2)

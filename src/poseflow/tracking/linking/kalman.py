"""How a track moves: a Kalman filter of its centroid."""

from poseflow.config import KalmanConfig

LONGEST_STEPS = 200
"""After so many frames out of sight, nothing is known of the velocity."""


class Motion:
    """A centroid that goes on with its velocity, which fades, and is changed at random.

    State of either axis: position (px) and velocity (px a frame), both axes with one covariance. From frame to frame
    position += velocity, velocity *= damping; `process_noise_px` is the standard deviation of the random change of
    velocity (px a frame), `measurement_noise_px` that of a measured position.

    Source: Kalman 1960; the model is the piecewise constant white acceleration of Bar-Shalom et al. 2001, section
        6.3.3, with damping.
    """

    def __init__(self, centroid: list[float], config: KalmanConfig) -> None:
        self.config = config
        self.position = tuple(centroid)
        self.velocity = (0.0, 0.0)
        # Variance of the position, covariance, variance of the velocity, which may be anything that an animal can do.
        self.covariance = (config.measurement_noise_px**2, 0.0, (10 * config.process_noise_px) ** 2)

    def expect(self, frames: int) -> tuple[float, float]:
        """Where the centroid is expected so many frames later, (x, y) px."""
        damping = self.config.damping
        reach = frames if damping == 1 else (1 - damping**frames) / (1 - damping)
        return self.position[0] + reach * self.velocity[0], self.position[1] + reach * self.velocity[1]

    def update(self, centroid: list[float], frames: int) -> None:
        """Take in where the centroid was found, so many frames after the last time."""
        damping, noise = self.config.damping, self.config.process_noise_px**2
        a, b, c = self.covariance
        for _ in range(min(frames, LONGEST_STEPS)):
            a, b, c = a + 2 * b + c + noise / 4, damping * (b + c) + noise / 2, damping**2 * c + noise
        expected = self.expect(frames)
        kept = damping**frames
        total = a + self.config.measurement_noise_px**2
        gain_position, gain_velocity = a / total, b / total
        residual = [measured - predicted for measured, predicted in zip(centroid, expected, strict=True)]
        self.position = tuple(
            predicted + gain_position * off for predicted, off in zip(expected, residual, strict=True)
        )
        self.velocity = (
            kept * self.velocity[0] + gain_velocity * residual[0],
            kept * self.velocity[1] + gain_velocity * residual[1],
        )
        self.covariance = ((1 - gain_position) * a, (1 - gain_position) * b, c - gain_velocity * b)

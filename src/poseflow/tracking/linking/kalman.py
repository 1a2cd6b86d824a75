"""How a track moves: a Kalman filter of its centroid."""

from poseflow.config import KalmanConfig

LONGEST_STEPS = 200
"""After so many frames out of sight, nothing is known of the speed."""


class Motion:
    """A centroid that goes on with its speed, which fades, and is pushed at random.

    State of either axis: place (px) and speed (px a frame), both axes with one covariance. From frame to frame
    place += speed, speed *= damping; the push's standard deviation is `acceleration_px`.

    Source: Kalman 1960; the model is the piecewise constant white acceleration of Bar-Shalom et al. 2001, section
        6.3.3, with damping.
    """

    def __init__(self, centroid: list[float], config: KalmanConfig) -> None:
        self.config = config
        self.place = tuple(centroid)
        self.speed = (0.0, 0.0)
        # Variance of the place, covariance, variance of the speed, which may be anything that an animal can do.
        self.spread = (config.measurement_px**2, 0.0, (10 * config.acceleration_px) ** 2)

    def expect(self, frames: int) -> tuple[float, float]:
        """Where the centroid is expected so many frames later, (x, y) px."""
        damping = self.config.damping
        reach = frames if damping == 1 else (1 - damping**frames) / (1 - damping)
        return self.place[0] + reach * self.speed[0], self.place[1] + reach * self.speed[1]

    def update(self, centroid: list[float], frames: int) -> None:
        """Take in where the centroid was found, so many frames after the last time."""
        damping, push = self.config.damping, self.config.acceleration_px**2
        a, b, c = self.spread
        for _ in range(min(frames, LONGEST_STEPS)):
            a, b, c = a + 2 * b + c + push / 4, damping * (b + c) + push / 2, damping**2 * c + push
        expected = self.expect(frames)
        kept = damping**frames
        total = a + self.config.measurement_px**2
        gain_place, gain_speed = a / total, b / total
        missed = [found - place for found, place in zip(centroid, expected, strict=True)]
        self.place = tuple(place + gain_place * off for place, off in zip(expected, missed, strict=True))
        self.speed = (kept * self.speed[0] + gain_speed * missed[0], kept * self.speed[1] + gain_speed * missed[1])
        self.spread = ((1 - gain_place) * a, (1 - gain_place) * b, c - gain_speed * b)

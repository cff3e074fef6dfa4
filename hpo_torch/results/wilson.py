"""Wilson's score interval: how sure a measured share is."""

from __future__ import annotations

import math

from hpo_torch.errors import InvalidValueError

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


def wilson_interval(successes: int, trials: int, z: float = Z_95) -> tuple[float, float]:
    """Return the interval of a share measured as `successes` of `trials`; both ends 0..1.

    Unlike the normal approximation it neither leaves 0..1 nor has zero width at 0 or 100 %.
    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927), 209-212.

    >>> [round(end, 4) for end in wilson_interval(8, 10)]
    [0.4902, 0.9433]

    Raises:
        InvalidValueError: Not 0 <= successes <= trials with at least one trial.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise InvalidValueError(
            "wilson_interval", "0 <= successes <= trials, trials >= 1", (successes, trials)
        )
    share = successes / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return max(0.0, centre - half), min(1.0, centre + half)

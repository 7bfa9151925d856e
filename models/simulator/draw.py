"""Random draws that the whole simulation uses."""

import math
import random


def lognormal(rng: random.Random, mean: float, spread: float) -> float:
    """Draw a log-normal value with this mean; `spread` is the sigma of its logarithm."""
    return rng.lognormvariate(math.log(mean) - 0.5 * spread * spread, spread)

"""Fitting a calibration on scores for questions that the weights have not seen."""

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]  # SciPy ships no types

from models.calibration import Calibration
from models.conditional_logit import Integers, choose
from models.readings import Array
from models.unseen import Unseen

RIDGE = 1e-3
"""Keeps the four numbers finite where every prediction is right, or no case is without root."""


def fit_calibration(unseen: Unseen) -> Calibration:
    """Find the four numbers with the least negative log likelihood, near zero in doubt."""
    found = minimize(
        _loss,
        np.zeros(4),
        args=(unseen,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-3.0, 3.0)] * 2 + [(-6.0, 6.0)] * 2,
        options={"ftol": 1e-12, "gtol": 1e-8},
    )
    p, q, r, t = (round(float(value), 6) for value in found.x)
    return Calibration(sharpness=p, sharpness_elapsed=q, none=r, none_elapsed=t)


def _loss(flat: Array, unseen: Unseen) -> tuple[float, Array]:
    elapsed, starts = unseen.elapsed, unseen.starts
    scale = np.exp(flat[0] + flat[1] * elapsed)
    shift = flat[2] + flat[3] * elapsed
    sizes = np.diff(np.append(starts, unseen.scores.size))
    scaled = unseen.scores * np.repeat(scale, sizes)
    choice = choose(scaled, scale * unseen.outside + shift, starts, unseen.chosen)
    expected = _expected(choice.candidates, choice.none, unseen)
    picked = np.where(
        unseen.chosen >= 0, unseen.scores[np.maximum(unseen.chosen, 0)], unseen.outside
    )
    total = unseen.weights.sum()
    of_scale = unseen.weights * (expected - picked) * scale / total
    of_shift = unseen.weights * (choice.none - (unseen.chosen < 0)) / total
    slope = np.array([of_scale.sum(), of_scale @ elapsed, of_shift.sum(), of_shift @ elapsed])
    value = -(unseen.weights @ choice.log_chosen) / total + RIDGE / 2.0 * float(flat @ flat)
    return float(value), slope + RIDGE * flat


def _expected(candidates: Array, none: Array, unseen: Unseen) -> Array:
    starts: Integers = unseen.starts
    return np.asarray(
        np.add.reduceat(candidates * unseen.scores, starts) + none * unseen.outside,
        dtype=np.float64,
    )

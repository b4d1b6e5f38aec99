"""Calibrate a classifier on some rows, and measure it on others before and after.

The same decisions can be made with larger or smaller logits, and NCMI depends on which. Models are
compared on an equal footing at the temperature at which each is calibrated best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from infotheory._typing import IntArray
from infotheory._validation import as_groups, as_rng, as_weights, check_choice, refusal
from infotheory.classifiers.accumulator import NCMIAccumulator
from infotheory.classifiers.functions import measure_classifier
from infotheory.classifiers.report import NCMIReport
from infotheory.classifiers.temperature import fit_temperature
from infotheory.classifiers.told_once import collected, tell

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["Calibration", "calibrate_classifier", "refuse_features", "split_rows"]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A classifier before and after its temperature was fitted on other rows of the same data.

    Attributes
    ----------
    temperature : float
        The fitted one.
    before, after : NCMIReport
        At temperature 1 and at the fitted one, over the same rows, none of which it was fitted on.
    fitted_on : int
        Rows that the temperature was fitted on.
    """

    temperature: float
    before: NCMIReport
    after: NCMIReport
    fitted_on: int

    def to_frame(self) -> pd.DataFrame:
        """Return both reports as a table of two rows."""
        import pandas as pd

        return pd.concat([self.before.to_frame("before"), self.after.to_frame("after")])

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both in the concentration-separation plane; needs matplotlib.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        Axes
        """
        from infotheory import plotting

        named = {"before, T = 1": self.before, f"after, T = {self.temperature:.3g}": self.after}
        return plotting.concentration_separation_plane(named, ax=ax)

    def _heading(self) -> str:
        return (
            f"temperature {self.temperature:.6g}, fitted on {self.fitted_on:,} rows, "
            f"measured on {self.after.n:,} others"
        )

    def _shown(self) -> pd.DataFrame:
        names = ("ncmi", "cmi", "gamma", "cross_entropy", "expected_calibration_error", "error")
        return self.to_frame()[list(names)].T

    def __str__(self) -> str:
        return f"{self._heading()}\n{self._shown().to_string(float_format='{:.6g}'.format)}"

    def _repr_html_(self) -> str:
        return f"<p>{self._heading()}</p>{self._shown().to_html(float_format='{:.6g}'.format)}"


def calibrate_classifier(
    outputs: Any,
    labels: Any,
    *,
    method: str = "temperature",
    fraction: float = 0.5,
    rng: Any = None,
    kind: str = "logits",
    **options: Any,
) -> Calibration:
    """Fit a temperature on some of the rows and measure the others before and after.

    Parameters
    ----------
    outputs, labels
        As in :func:`infotheory.measure_classifier`; labels name columns.
    method : {"temperature"}, default "temperature"
        How to calibrate.
    fraction : float, default 0.5
        Share of the rows of each class, in (0, 1), to fit on; a class keeps at least one row to be
        measured.
    rng : int or numpy.random.Generator, optional
        Which rows; a seed makes the split repeatable.
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What `outputs` holds.
    **options
        Other arguments of :func:`infotheory.measure_classifier`, for both reports, except for
        `temperature`.

    Returns
    -------
    Calibration

    Raises
    ------
    ValueError, TypeError
        As :func:`fit_temperature` and :func:`infotheory.measure_classifier`.

    See Also
    --------
    fit_temperature : where the rows to fit on are a data set of their own.

    Notes
    -----
    A temperature fitted on the rows that are then measured would flatter the classifier. The split
    is stratified, so that the class mix is the same in both parts up to rounding.

    References
    ----------
    guo2017calibration

    Examples
    --------
    >>> import numpy as np
    >>> from infotheory.classifiers import calibrate_classifier
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 3, 6000)
    >>> logits = rng.normal(size=(6000, 3)) + 2 * np.eye(3)[labels]
    >>> calibration = calibrate_classifier(4 * logits, labels, rng=0)
    >>> round(calibration.temperature)  # softmax(2 z) is the posterior, and 4 z / 2 = 2 z
    2
    """
    check_choice("method", method, ("temperature",))
    for name in ("temperature", "calibrate"):
        if name in options:
            raise TypeError(
                f"{name} must be left out, since a temperature is fitted; got {options[name]!r}."
            )
    generator = as_rng(rng)
    rows, targets = NCMIAccumulator().check(outputs, labels, kind)
    refuse_features(options.get("n_classes"), rows.shape[1])
    fitted, measured = split_rows(targets, fraction, generator)
    weights = options.get("sample_weight")
    if weights is not None:
        weights = as_weights(weights, targets.size)
        options["sample_weight"] = weights[measured]
        weights = weights[fitted]
    if options.get("groups") is not None:
        as_groups(options["groups"], targets.size)
        options["groups"] = np.asarray(options["groups"])[measured]
    temperature = fit_temperature(
        rows[fitted],
        targets[fitted],
        kind=kind,
        sample_weight=weights,
        n_jobs=options.get("n_jobs"),
    )
    rest, their_labels = rows[measured], targets[measured]
    with collected() as warned:
        before, after = (
            measure_classifier(
                rest, their_labels, kind=kind, temperature=value, rng=generator, **options
            )
            for value in (1.0, temperature)
        )
    tell(warned)
    return Calibration(temperature, before, after, int(fitted.size))


def refuse_features(n_classes: int | None, n_outputs: int) -> None:
    """Refuse to fit a temperature where labels do not name columns."""
    if n_classes is not None and n_classes != n_outputs:
        raise refusal(
            "n_classes",
            f"the number of output columns ({n_outputs}) where a temperature is fitted",
            repr(n_classes),
            "Cross entropy is defined where labels name columns; leave calibrate out.",
        )


def split_rows(
    labels: IntArray, fraction: Any, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Return the numbers of the rows to fit on and of those to measure, each ascending.

    Parameters
    ----------
    labels : ndarray of int, shape (n,)
        Classes; the split is made within each.
    fraction : float
        Share to fit on, in (0, 1). Where it is no whole number of rows, chance decides which of
        the two next to it; one row of each class is always left to be measured.
    rng : numpy.random.Generator
        What decides.

    Returns
    -------
    fitted, measured : ndarray of int

    Raises
    ------
    ValueError
        Where no row would be left to fit on.
    """
    if not (isinstance(fraction, (float, np.floating)) and 0 < fraction < 1):
        raise refusal(
            "fraction",
            "a number in (0, 1)",
            repr(fraction),
            "It is the share of the rows to fit on; 0.5 takes half of each class.",
        )
    order = np.lexsort((rng.random(labels.size), labels))  # by class, and shuffled within
    classes, counts = np.unique(labels, return_counts=True)
    taken = np.floor(fraction * counts + rng.random(classes.size)).astype(np.int64)
    taken = np.minimum(taken, counts - 1)
    place = np.arange(labels.size) - np.repeat(np.cumsum(counts) - counts, counts)
    to_fit = place < np.repeat(taken, counts)
    if not to_fit.any():
        raise refusal(
            "fraction",
            "large enough to leave rows to fit on",
            f"{fraction:g} of {labels.size} rows in {classes.size} classes",
            "Fit on other rows with fit_temperature, and pass its result as temperature.",
        )
    return np.sort(order[to_fit]), np.sort(order[~to_fit])

"""Warnings of the package, and the refusal of a saved state.

Other refusals are ordinary ``ValueError`` and ``TypeError``. A warning is given where a result is
correct but means less than it seems to; its text is also kept in ``report.warnings``.

Each situation has its own class, so that one of them can be silenced or turned into an error:

>>> import warnings
>>> from infotheory.exceptions import InfiniteSeparationWarning, InfotheoryWarning
>>> with warnings.catch_warnings():
...     warnings.simplefilter("error", InfiniteSeparationWarning)
>>> issubclass(InfiniteSeparationWarning, InfotheoryWarning)
True
"""

__all__ = [
    "BatchHalvedWarning",
    "EmptyClassWarning",
    "InfiniteSeparationWarning",
    "InfotheoryWarning",
    "PrecisionWarning",
    "SingleClassWarning",
    "StateError",
    "UndefinedIntervalWarning",
]


class InfotheoryWarning(UserWarning):
    """Base class of every warning given by this package."""


class BatchHalvedWarning(InfotheoryWarning):
    """A batch did not fit into the memory of the device, and was cut into smaller ones.

    The outputs are those of the same model. Smaller batches from the start save the attempts.
    """


class EmptyClassWarning(InfotheoryWarning):
    """Some classes have no samples.

    An empty class has probability zero, so it takes no part in any quantity; its row of the
    per-class table is ``nan``. The usual causes are a subset of a data set and a wrong
    ``n_classes``.
    """


class InfiniteSeparationWarning(InfotheoryWarning):
    """The separation Gamma is infinite, and NCMI is therefore zero.

    This happens when some sample gives an output symbol probability exactly zero while a sample
    of another class gives it positive probability. Such a zero NCMI says nothing about
    concentration and must not be ranked against finite ones. The ``smoothing`` argument
    mixes a little of the uniform distribution into each row, where that is what you want.
    """


class PrecisionWarning(InfotheoryWarning):
    """An estimate is less certain than its interval says.

    The interval holds the scatter of the estimate from sample to sample, not its bias, and there
    are too few samples for the bias to be small beside it.
    """


class SingleClassWarning(InfotheoryWarning):
    """All samples carry the same label.

    There are no pairs of different labels, so Gamma is zero and NCMI, a ratio with Gamma below
    the line, is undefined (``nan``).
    """


class UndefinedIntervalWarning(InfotheoryWarning):
    """A confidence interval that was asked for cannot be formed.

    Samples vary within their class too little or too seldom: one sample a class, or hardly any
    that differ. Its ends are ``nan``.
    """


class StateError(ValueError):
    """A file is no saved state of this package, is damaged, or was written by a later version.

    The file is left as it is.
    """

"""Information theory on real data and real networks.

Three doors: measure a trained classifier (:func:`evaluate_model` while it works,
:func:`measure_classifier` and :func:`ncmi` by its outputs), estimate from samples
(:func:`estimate_entropy`, :func:`estimate_mutual_information`), and compute exactly for known
distributions (:func:`entropy`, :func:`mutual_information` and the rest of ``measures``).

Nothing heavy is loaded by ``import infotheory``: every public name is imported from its home
when it is first used, so that scripts which only read ``infotheory.__version__`` or ask for
``--help`` start at once, and no learning or plotting framework is ever loaded by measuring.

Examples
--------
>>> import infotheory
>>> outputs = [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8]]
>>> infotheory.ncmi(outputs, [0, 0, 1, 1], kind="probs")  # equal rows in each class
0.0
>>> infotheory.entropy([0.5, 0.25, 0.25], base=2)
1.5
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infotheory import classifiers, estimators, measures, models, sources
    from infotheory.classifiers import (
        NCMIAccumulator,
        NCMIReport,
        compare_classifiers,
        measure_classifier,
        ncmi,
        sample_size_for_width,
    )
    from infotheory.estimators import (
        CountAccumulator,
        Estimate,
        estimate_conditional_entropy,
        estimate_conditional_mutual_information,
        estimate_entropy,
        estimate_entropy_from_counts,
        estimate_mutual_information,
    )
    from infotheory.evaluation import evaluate_model, evaluate_models
    from infotheory.measures import (
        entropy,
        kl_divergence,
        mutual_information,
        renyi_entropy,
    )
    from infotheory.references import cite

__version__ = "0.1.0"

__all__ = [
    "CountAccumulator",
    "Estimate",
    "NCMIAccumulator",
    "NCMIReport",
    "cite",
    "classifiers",
    "compare_classifiers",
    "entropy",
    "estimate_conditional_entropy",
    "estimate_conditional_mutual_information",
    "estimate_entropy",
    "estimate_entropy_from_counts",
    "estimate_mutual_information",
    "estimators",
    "evaluate_model",
    "evaluate_models",
    "kl_divergence",
    "measure_classifier",
    "measures",
    "models",
    "mutual_information",
    "ncmi",
    "renyi_entropy",
    "sample_size_for_width",
    "sources",
]

# Where each public name lives; a name that maps to None is itself a subpackage.
_HOMES = {
    "CountAccumulator": "infotheory.estimators",
    "Estimate": "infotheory.estimators",
    "NCMIAccumulator": "infotheory.classifiers",
    "NCMIReport": "infotheory.classifiers",
    "cite": "infotheory.references",
    "classifiers": None,
    "compare_classifiers": "infotheory.classifiers",
    "entropy": "infotheory.measures",
    "estimate_conditional_entropy": "infotheory.estimators",
    "estimate_conditional_mutual_information": "infotheory.estimators",
    "estimate_entropy": "infotheory.estimators",
    "estimate_entropy_from_counts": "infotheory.estimators",
    "estimate_mutual_information": "infotheory.estimators",
    "estimators": None,
    "evaluate_model": "infotheory.evaluation",
    "evaluate_models": "infotheory.evaluation",
    "kl_divergence": "infotheory.measures",
    "measure_classifier": "infotheory.classifiers",
    "measures": None,
    "models": None,
    "mutual_information": "infotheory.measures",
    "ncmi": "infotheory.classifiers",
    "renyi_entropy": "infotheory.measures",
    "sample_size_for_width": "infotheory.classifiers",
    "sources": None,
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    value = (
        import_module(f"{__name__}.{name}") if home is None else getattr(import_module(home), name)
    )
    globals()[name] = value  # the next access is an ordinary attribute
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""``infotheory demo``: train ten classifiers of handwritten digits on the spot and measure them."""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from infotheory.classifiers import measure_classifier
from infotheory.cli import _output, _table
from infotheory.exceptions import InfotheoryWarning

if TYPE_CHECKING:
    from infotheory._typing import AnyArray
    from infotheory.classifiers import NCMIReport

__all__ = ["ZOO", "Candidate", "run"]

_SMOOTHING = 1e-3
_NEEDS = (
    "the demo trains with scikit-learn, which is not installed. "
    'Install it with: pip install "infotheory-toolkit[demo]"'
)


@dataclass(frozen=True)
class Candidate:
    """A classifier to train: how it is built from a seed, and what it hands out."""

    name: str
    build: Callable[[int], Any]
    kind: str
    outputs: str
    stops_early: bool = False


def _logistic(penalty: float) -> Callable[[int], Any]:
    def build(_seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=1 / penalty, max_iter=1000)

    return build


def _network(*hidden: int, epochs: int, **options: Any) -> Callable[[int], Any]:
    def build(seed: int) -> Any:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(hidden, max_iter=epochs, random_state=seed, **options)

    return build


def _neighbours(_seed: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(5)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, random_state=seed)


def _vectors(_seed: int) -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    return CalibratedClassifierCV(SVC(), ensemble=False)


def _discriminant(_seed: int) -> Any:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis()


_LOGITS = ("logits", "decision_function")
_PROBS = ("probs", "predict_proba")
_LOG_PROBS = ("log_probs", "predict_log_proba")

# The networks whose name says how long they train do not converge, on purpose.
ZOO: tuple[Candidate, ...] = (
    Candidate("logistic regression", _logistic(1.0), *_LOGITS),
    Candidate("logistic, strong penalty", _logistic(100.0), *_LOGITS),
    Candidate("small MLP", _network(8, epochs=300), *_LOG_PROBS, stops_early=True),
    Candidate("large MLP", _network(256, 128, epochs=60), *_LOG_PROBS, stops_early=True),
    Candidate("early-stopped MLP", _network(64, epochs=400, early_stopping=True), *_LOG_PROBS),
    Candidate(
        "over-trained MLP",
        _network(64, epochs=1000, alpha=0.0, tol=0.0, n_iter_no_change=1000),
        *_LOG_PROBS,
        stops_early=True,
    ),
    Candidate("5 nearest neighbours", _neighbours, *_PROBS),
    Candidate("random forest", _forest, *_PROBS),
    Candidate("calibrated SVC", _vectors, *_PROBS),
    Candidate("linear discriminant", _discriminant, *_LOGITS),
)


def run(argv: Sequence[str], zoo: Sequence[Candidate] = ZOO) -> int:
    """Train, measure, print and draw.

    Parameters
    ----------
    argv : sequence of str
        The arguments after ``infotheory demo``.
    zoo : sequence of Candidate
        The classifiers to train.

    Returns
    -------
    int
        0, or 1 where scikit-learn or matplotlib is not installed.
    """
    arguments = _arguments(argv)
    try:
        x_train, x_test, y_train, y_test = _digits(arguments.seed)
    except ImportError:
        print(f"infotheory demo: {_NEEDS}", file=sys.stderr)
        return 1
    outputs: dict[str, tuple[AnyArray, str]] = {}
    for candidate in tqdm(zoo, desc="training", unit="model", disable=None, leave=False):
        outputs[candidate.name] = _train(candidate, arguments.seed, x_train, y_train, x_test)
    reports = _measure(outputs, y_test)
    unranked = {name: outputs[name] for name, report in reports.items() if math.isinf(report.gamma)}
    smoothed = _measure(unranked, y_test, smoothing=_SMOOTHING)
    print(
        f"{len(reports)} classifiers trained on {len(y_train)} handwritten digits, measured on "
        f"{len(y_test)} others:\n\n{_table.model_table(reports)}\n\n{_reading(reports)}"
    )
    if smoothed:
        print(
            f"\nExact zeros make Gamma infinite, and NCMI = CMI / Gamma = 0 says nothing then. "
            f"With smoothing={_SMOOTHING:g},\nthat is with this share of the uniform distribution "
            f"mixed into every output, the same models have:\n\n{_table.model_table(smoothed)}\n"
            "\nThese values depend on the smoothing: compare them with one another only."
        )
    if arguments.json is not None:
        content = _table.document(reports)
        content["smoothed"] = _table.document(smoothed)["models"]
        _output.write_json(arguments.json, content)
    _table.write_figure(arguments.plot, reports)
    print(f"\nFigure: {arguments.plot}")
    return 0


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="infotheory demo",
        description="Train ten different classifiers on scikit-learn's handwritten digits, measure "
        "CMI, Gamma and NCMI of each on held-out digits, and draw them. Needs no network.",
        epilog="example:\n  infotheory demo --plot digits.png --json digits.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--plot",
        metavar="OUT.png",
        type=Path,
        default=Path("infotheory-demo.png"),
        help="where the figure goes (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the split and the training")
    parser.add_argument("--json", metavar="OUT", type=Path, help="write everything as JSON")
    arguments = parser.parse_args(argv)
    for path, content in ((arguments.json, ""), (arguments.plot, "figure")):
        problem = None if path is None else _output.output_problem(path, content)
        if problem is not None:
            parser.error(problem)
    return arguments


def _digits(seed: int) -> list[AnyArray]:
    """Half of the digits to learn from, half to measure on: few enough that errors differ."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    halves: list[AnyArray] = train_test_split(
        images / 16, labels, test_size=0.5, stratify=labels, random_state=seed
    )
    return halves


def _train(
    candidate: Candidate, seed: int, x_train: AnyArray, y_train: AnyArray, x_test: AnyArray
) -> tuple[AnyArray, str]:
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    model = candidate.build(seed)
    # The matrices are so small that a second thread only waits: on a busy machine it made the
    # training ten times slower. One thread also adds in one order only.
    with threadpool_limits(1), warnings.catch_warnings():
        if candidate.stops_early:
            warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(x_train, y_train)
    return getattr(model, candidate.outputs)(x_test), candidate.kind


def _measure(
    outputs: Mapping[str, tuple[AnyArray, str]], labels: AnyArray, smoothing: float = 0.0
) -> dict[str, NCMIReport]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InfotheoryWarning)  # the table flags the same models
        return _table.ranked(
            {
                name: measure_classifier(values, labels, kind=kind, smoothing=smoothing)
                for name, (values, kind) in outputs.items()
            }
        )


def _reading(reports: Mapping[str, NCMIReport]) -> str:
    return (
        "A low NCMI means clusters of outputs that are tight (CMI) for their distance (Gamma).\n"
        f"{_table.correlation_line(reports)}\n"
        "For pretrained networks NCMI is reported to follow the error closely [yang2023cmicdl].\n"
        "Across different kinds of models it need not: outputs that are all nearly uniform, as\n"
        "under a strong penalty, have a small CMI whatever their error."
    )

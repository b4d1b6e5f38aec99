"""Estimators of scikit-learn, at hand and in files of skops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.model_support import outputs

from infotheory.models.datasets import as_dataset
from infotheory.models.interface import Classifier
from infotheory.models.label_names import align
from infotheory.models.opening import as_classifier, open_model

pytest.importorskip("sklearn", reason="scikit-learn is not installed")


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return x[:600] / 16, y[:600]


@pytest.fixture(scope="module")
def regression(digits: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=300).fit(*digits)


@pytest.fixture
def dumped(tmp_path: Path) -> Any:
    skops = pytest.importorskip("skops.io", reason="skops is not installed")

    def dump(estimator: Any, name: str = "digits.skops") -> Path:
        skops.dump(estimator, tmp_path / name)
        return tmp_path / name

    return dump


def test_equals_predict_proba_through_a_file(digits: Any, regression: Any, dumped: Any) -> None:
    path = dumped(regression)
    model = open_model(f"sklearn:{path}", device="cuda")  # which means nothing here
    assert isinstance(model, Classifier)
    assert (model.name, model.kind, model.n_outputs, model.class_names) == (
        "digits", "log_probs", 10, None,
    )  # fmt: skip
    expected = regression.predict_proba(digits[0])
    images = digits[0].reshape(-1, 8, 8)  # features of any shape
    assert np.array_equal(outputs(model, images), regression.predict_log_proba(digits[0]))
    np.testing.assert_allclose(np.exp(outputs(model, images)), expected, rtol=1e-13)

    probs = open_model(f"sklearn:{path}?kind=probs")
    np.testing.assert_array_equal(outputs(probs, images), expected)
    logits = outputs(open_model(f"sklearn:{path}?kind=logits"), images)
    np.testing.assert_array_equal(logits, regression.decision_function(digits[0]))


def test_zero_probabilities_have_a_logarithm(digits: Any) -> None:
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_depth=4, random_state=0).fit(*digits)
    found = outputs(as_classifier(tree), digits[0])
    assert np.isneginf(found).any()
    np.testing.assert_array_equal(np.isneginf(found), tree.predict_proba(digits[0]) == 0)


def test_classes_with_names_and_without_probabilities(digits: Any) -> None:
    from sklearn.linear_model import RidgeClassifier

    names = np.array(["zero", "one", "two"])
    few = digits[1] < 3
    model = as_classifier(RidgeClassifier().fit(digits[0][few], names[digits[1][few]]))
    assert (model.name, model.kind, model.n_outputs) == ("RidgeClassifier", "logits", 3)
    assert model.class_names == ("one", "two", "zero")
    expected = model.estimator.decision_function(digits[0])
    np.testing.assert_array_equal(outputs(model, digits[0]), expected)

    odd = RidgeClassifier().fit(digits[0][few], 2 * digits[1][few] + 1)
    assert as_classifier(odd).class_names == ("1", "3", "5")
    assert as_classifier(odd, class_names="abc").class_names == ("a", "b", "c")


@pytest.mark.parametrize("kind", [int, float])
@pytest.mark.parametrize("kept", [(1, 2), (1, 2, 3), (3,), (2, 3)])
def test_labels_are_those_that_the_estimator_was_fitted_with(
    digits: Any, kind: Any, kept: tuple[int, ...]
) -> None:
    """By their values, also where some of its classes are not there."""
    from sklearn.linear_model import LogisticRegression

    x, y = digits
    few = (y >= 1) & (y <= 3)
    model = as_classifier(LogisticRegression(max_iter=300).fit(x[few], y[few].astype(kind)))
    assert model.class_names == ("1", "2", "3")
    there = np.isin(y, kept)
    found = align(as_dataset(x[there], y[there]), model)
    np.testing.assert_array_equal(found.labels, y[there] - 1)
    np.testing.assert_array_equal(outputs(model, x[there]).argmax(axis=1), found.labels)
    assert any("renumbered" in note for note in found.notes)


def test_votes_of_pairs_are_no_outputs_of_classes(digits: Any) -> None:
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    x, y = digits[0][digits[1] < 3], digits[1][digits[1] < 3]
    pairs = SVC(decision_function_shape="ovo").fit(x, y)
    pipeline = make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo"))
    search = GridSearchCV(pipeline, {"svc__C": [1.0]}, cv=2).fit(x, y)
    for estimator in (pairs, pipeline.fit(x, y), search):
        text = r"have a column of outputs a class; got SVC\(decision_function_shape='ovo'\)"
        with pytest.raises(ValueError, match=text):
            as_classifier(estimator)
    pairs.decision_function_shape = "ovr"  # as the refusal says
    np.testing.assert_array_equal(outputs(as_classifier(pairs), x).argmax(axis=1), pairs.predict(x))


def test_texts_go_through_a_pipeline() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    texts, labels = ["good film", "bad film", "good good", "so bad"], [1, 0, 1, 0]
    pipeline = make_pipeline(CountVectorizer(), MultinomialNB()).fit(texts, labels)
    found = outputs(as_classifier(pipeline), texts)
    np.testing.assert_array_equal(found, pipeline.predict_log_proba(texts))


def test_images_need_a_preprocessing(digits: Any, regression: Any, dumped: Any) -> None:
    path = dumped(regression)
    image = (digits[0][0].reshape(8, 8) * 16).astype(np.uint8)
    with pytest.raises(ValueError, match=r"Name it: sklearn:FILE\?mode=L"):
        open_model(f"sklearn:{path}").prepare(image)
    model = open_model(f"sklearn:{path}?mode=L&divisor=16")
    expected = regression.predict_log_proba(digits[0][:1])
    np.testing.assert_array_equal(outputs(model, [image]), expected)
    with pytest.raises(ValueError, match=r"number of features of model 'digits' \(64\); got 192"):
        outputs(open_model(f"sklearn:{path}?mode=RGB"), [image])


def forest(digits: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(3, max_depth=3, random_state=0).fit(*digits)


TREE = "sklearn.tree._tree.Tree"  # a compiled type, which skops does not know


def test_untrusted_types_are_listed_and_trusted_by_name(digits: Any, dumped: Any) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    pipeline = make_pipeline(FunctionTransformer(_halved), forest(digits))
    path = dumped(pipeline)
    own = f"{_halved.__module__}._halved"
    with pytest.raises(ValueError, match="model must be made of types that are trusted") as caught:
        open_model(f"sklearn:{path}")
    assert all(kind in str(caught.value) for kind in (own, TREE))
    with pytest.raises(ValueError, match="model must be made of types that are trusted") as caught:
        open_model(f"sklearn:{path}?trust={TREE}")
    assert f"got {own} in '{path}'. Where you trust these, add the option trust={TREE},{own}." in (
        str(caught.value)
    )

    path = dumped(forest(digits), "trusted.skops")
    model = open_model(f"sklearn:{path}?trust={TREE}&kind=probs")
    expected = forest(digits).predict_proba(digits[0])
    np.testing.assert_array_equal(outputs(model, digits[0]), expected)


def _halved(x: Any) -> Any:
    return x / 2


@pytest.mark.parametrize("ending", ["pkl", "pickle", "joblib", "pt", "pth"])
def test_unsafe_formats_are_refused_with_the_safe_way(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"model.{ending}"
    path.touch()
    with pytest.raises(ValueError, match="in a format that runs no code when it is read") as caught:
        open_model(f"sklearn:{path}")
    assert "write it with skops.io.dump(estimator, 'model.skops')" in str(caught.value)


def test_damaged_and_missing_files_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("skops.io", reason="skops is not installed")
    (tmp_path / "m.skops").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"a file that skops can read; got .*BadZipFile"):
        open_model(f"sklearn:{tmp_path}/m.skops")
    with pytest.raises(ValueError, match=r"an existing file; got .*no such file"):
        open_model(f"sklearn:{tmp_path}/none.skops")


def test_what_is_no_classifier_is_refused(digits: Any) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LinearRegression, LogisticRegression, Perceptron

    x, y = digits
    for estimator in (
        LinearRegression().fit(x, y),
        LogisticRegression(),
        RandomForestClassifier(2, random_state=0).fit(x, np.stack([y, y], axis=1)),
    ):
        name = type(estimator).__name__
        with pytest.raises(ValueError, match=f"classifier of one label a sample; got {name}"):
            as_classifier(estimator)
    two = Perceptron().fit(x, y % 2)
    with pytest.raises(ValueError, match="an estimator with predict_proba; got Perceptron"):
        as_classifier(two, kind="probs")
    with pytest.raises(ValueError, match=r"one row of at least two outputs .* shape \(600,\)"):
        outputs(as_classifier(two), x)
    with pytest.raises(ValueError, match="precision must be 'float32' for model 'Perceptron'"):
        as_classifier(two, precision="fp16")


def test_fingerprints_of_files_and_of_estimators_at_hand(digits: Any, dumped: Any) -> None:
    first = as_classifier(forest(digits), name="a").fingerprint()
    assert as_classifier(forest(digits), name="b").fingerprint() == first
    changed = forest(digits)
    changed.estimators_[1].tree_.value[0, 0, 0] += 1e-9  # one number in one leaf
    assert as_classifier(changed).fingerprint() != first

    path = dumped(forest(digits))
    stored = open_model(f"sklearn:{path}?trust={TREE}").fingerprint()
    assert open_model(f"sklearn:{path}?trust={TREE}").fingerprint() == stored
    assert open_model(f"sklearn:{path}?trust={TREE}&kind=probs").fingerprint() != stored
    path = dumped(changed)
    assert open_model(f"sklearn:{path}?trust={TREE}").fingerprint() != stored

"""Names of models, factories of the user, and functions as models."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.model_support import FEATURES, outputs

from infotheory.models.interface import Classifier
from infotheory.models.opening import as_classifier, open_model
from infotheory.models.preprocessing import ImageTransform
from infotheory.models.python_objects import call_factory
from infotheory.models.specs import parse_spec


def test_an_unknown_scheme_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="model must be one of timm:NAME, torchvision:NAME, hf:DI"):
        open_model("keras:m.keras")
    with pytest.raises(ValueError, match=r"sklearn:FILE; got 'resnet50'\."):
        open_model("resnet50")
    with pytest.raises(ValueError, match="precision must be one of 'float32', 'tf32', 'bf16'"):
        open_model("onnx:m.onnx", precision="int8")


@pytest.mark.parametrize("thing", [3, None, len, ["timm:resnet50"]])
def test_what_is_no_text_is_for_as_classifier(thing: Any) -> None:
    with pytest.raises(
        TypeError, match=r"model must be a text such as .* taken by as_classifier\."
    ):
        open_model(thing)


@pytest.mark.parametrize(
    ("scheme", "module", "extra"),
    [
        ("timm:resnet50", "timm", "vision"),
        ("torchvision:resnet18", "torchvision", "vision"),
        ("hf:owner/model", "transformers", "language"),
        ("onnx:{file}", "onnxruntime", "onnx"),
        ("sklearn:{file}", "skops", "skops"),
    ],
)
def test_a_missing_library_is_named(
    scheme: str, module: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "m").touch()
    with pytest.raises(ImportError, match=rf"pip install 'infotheory-toolkit\[{extra}\]'") as found:
        open_model(scheme.format(file=tmp_path / "m"))
    assert f"{scheme.partition(':')[0]}: needs {module}, which cannot be" in str(found.value)


# --------------------------------------------------------------------------------------- factories

CODE = """
import numpy as np
import {helper}
from infotheory.models.opening import as_classifier

def bare():
    return lambda x: x[:, :2]

def with_function():
    return (lambda x: x[:, :2], lambda sample: sample + {helper}.ONE)

def with_mapping():
    return (lambda x: x.mean(axis=(2, 3)), {{"mean": 0.5, "std": 0.5}})

def whole():
    return as_classifier(lambda x: x[:, :2], name="mine")

def probs():
    return lambda x: x[:, :2] / x[:, :2].sum(axis=1, keepdims=True)

def number():
    return 3

def fails():
    raise ZeroDivisionError("inside")

_hidden = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_models.py"
    helper = f"helper_{tmp_path.name}"  # modules stay imported, so that each test has its own
    (tmp_path / f"{helper}.py").write_text("ONE = 1.0", encoding="utf-8")
    path.write_text(CODE.format(helper=helper), encoding="utf-8")
    return path


def test_what_a_factory_may_return(file: Path) -> None:
    before = list(sys.path)
    model = open_model(f"python:{file}:bare")
    assert isinstance(model, Classifier)
    assert (model.name, model.kind) == ("bare", "logits")
    np.testing.assert_array_equal(outputs(model), FEATURES[:, :2])
    np.testing.assert_array_equal(
        outputs(open_model(f"python:{file}:with_function")), FEATURES[:, :2] + 1
    )
    white = np.full((4, 4, 3), 255, dtype=np.uint8)
    np.testing.assert_array_equal(
        outputs(open_model(f"python:{file}:with_mapping"), [white]), np.ones((1, 3))
    )
    assert open_model(f"python:{file}:whole").name == "mine"
    assert open_model(f"python:{file}:probs?kind=probs").kind == "probs"
    assert sys.path == before


def test_modules_are_found_in_the_current_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    monkeypatch.delitem(sys.modules, "my_models", raising=False)
    np.testing.assert_array_equal(outputs(open_model("python:my_models:bare")), FEATURES[:, :2])
    monkeypatch.delitem(sys.modules, "my_models")
    model = open_model("python:my_models.py:bare")
    np.testing.assert_array_equal(outputs(model), FEATURES[:, :2])


def test_a_file_that_was_edited_is_run_anew(file: Path) -> None:
    spec = parse_spec("data", f"python:{file}:number", {"python": ""})
    assert call_factory(spec) == 3
    file.write_text("def number(): return 4", encoding="utf-8")
    assert call_factory(spec) == 4


def test_a_torch_module_is_opened_for_evaluation(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    path = tmp_path / "m.py"
    path.write_text("import torch\ndef make(): return torch.nn.Dropout(0.9)", encoding="utf-8")
    model: Any = open_model(f"python:{path}:make", device="cpu")
    assert not model.module.training
    np.testing.assert_array_equal(outputs(model), FEATURES)
    with pytest.raises(ValueError, match="device must be None or a device of torch"):
        open_model(f"python:{path}:make", device="tpu")
    assert torch.is_tensor(model.outputs([model.prepare(row) for row in FEATURES]))


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("{file}", "of the form python:module:factory or python:FILE.py:factory; got 'python:"),
        ("{file}:", "of the form python:module:factory"),
        ("{file}x/no.py:bare", "an existing file; got "),
        ("no_such_module:bare", "a module that can be imported; got 'no_such_module' (No module"),
        ("json.nothing:bare", "a module that can be imported; got 'json.nothing' (No module"),
        ("{file}:nothing", "It has as_classifier, bare, fails, number, probs, whole"),
        ("{file}:_hidden", "got '_hidden'. It has"),
    ],
)
def test_names_of_nothing_are_refused(file: Path, place: str, text: str) -> None:
    with pytest.raises(ValueError, match="model must be") as caught:
        open_model(f"python:{place.format(file=file)}")
    assert text in str(caught.value)


def test_what_goes_wrong_inside_is_raised_as_it_is(file: Path) -> None:
    before = list(sys.path)
    with pytest.raises(ZeroDivisionError, match="inside"):
        open_model(f"python:{file}:fails")
    file.write_text("import no_such_module_either", encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match="no_such_module_either"):
        open_model(f"python:{file}:bare")
    assert sys.path == before
    with pytest.raises(ValueError, match="Options of python: are kind"):
        open_model(f"python:{file}:bare?mean=0.5")


def test_a_module_that_needs_another_says_which(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.with_name("needs_more.py").write_text("import no_such_module_either", encoding="utf-8")
    monkeypatch.chdir(file.parent)
    with pytest.raises(ModuleNotFoundError, match="no_such_module_either"):
        open_model("python:needs_more:bare")


def test_a_factory_of_something_else_is_refused(file: Path) -> None:
    with pytest.raises(TypeError, match="a function of a batch; got int") as caught:
        open_model(f"python:{file}:number")
    assert str(caught.value).startswith("model must be a classifier, a torch module, an estimator")


# --------------------------------------------------------------------------------------- functions


def test_functions_of_a_batch() -> None:
    def double(x: np.ndarray) -> list[list[float]]:
        return (2 * x).tolist()

    model = as_classifier(double, class_names="abcd", kind="log_probs")
    assert (model.name, model.kind, model.n_outputs) == ("double", "log_probs", 4)
    np.testing.assert_allclose(outputs(model), 2 * FEATURES, rtol=1e-7)
    lengths = as_classifier(lambda texts: np.array([[len(t), 0] for t in texts]))
    assert outputs(lengths, ["a", "abc"]).tolist() == [[1, 0], [3, 0]]
    with pytest.raises(ValueError, match=r"Pass preprocess=Preprocessing\(...\), which makes an"):
        model.prepare(np.zeros((2, 2), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"outputs of shape \(10, 1\) for 10 sample"):
        outputs(as_classifier(lambda x: x[:, :1]))
    with pytest.raises(ValueError, match="precision must be 'float32' for model 'double', which"):
        as_classifier(double, precision="bf16")


def test_a_preprocessing_is_a_function() -> None:
    with pytest.raises(TypeError, match=r"a function of one sample; got str\."):
        as_classifier(lambda x: x, preprocess="resize")
    with pytest.raises(ValueError, match="a mapping with names among size"):
        as_classifier(lambda x: x, preprocess={"resize": 3})


def test_a_function_that_prepares_images_gets_them_in_rgb() -> None:
    """As from the folders of torchvision, whatever the files hold; all else as it is."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    grey = image.new("L", (3, 2), 7)
    indexed = image.new("P", (3, 2), 1)
    indexed.putpalette([0, 0, 0, 10, 20, 30])
    clear = image.new("RGBA", (3, 2), (1, 2, 3, 4))
    seen: list[Any] = []

    def transform(sample: Any) -> Any:
        seen.append(sample)
        return np.zeros(2)

    model = as_classifier(lambda x: x, preprocess=transform)
    for sample in (grey, indexed, clear):
        model.prepare(sample)
    assert [one.mode for one in seen] == ["RGB"] * 3
    assert [one.getpixel((0, 0)) for one in seen] == [(7, 7, 7), (10, 20, 30), (1, 2, 3)]
    pixels = np.zeros((4, 4), dtype=np.uint8)
    for other in (pixels, FEATURES[0], "text"):
        model.prepare(other)
        assert seen[-1] is other

    for mode, kept in (("L", "L"), (None, "P"), ("RGB", "RGB")):
        as_classifier(len, preprocess=ImageTransform(transform, mode=mode)).prepare(indexed)
        assert seen[-1].mode == kept
    with pytest.raises(ValueError, match="mode must be one of 'RGB', 'L'; got 'CMYK'"):
        ImageTransform(transform, mode="CMYK")


def test_probabilities_taken_for_logits_are_refused_with_the_way_to_say_so() -> None:
    rows = np.array([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]])
    text = (
        r"outputs of model '<lambda>' must be logits, which is what they are taken for; got .*"
        r"pass as_classifier\(..., kind='probs'\), or write \?kind=probs"
    )
    with pytest.raises(ValueError, match=text):
        outputs(as_classifier(lambda x: x), rows)
    model = as_classifier(lambda x: x)
    outputs(model, rows[:1])  # which may be by chance
    with pytest.raises(ValueError, match=text):
        outputs(model, rows[1:2])
    np.testing.assert_array_equal(outputs(as_classifier(lambda x: x, kind="probs"), rows), rows)
    by_chance = as_classifier(lambda x: x)
    for row in (rows[0], [3.0, -1.0], rows[0], rows[1]):
        outputs(by_chance, [np.array(row)])


def test_tensors_of_a_function_stay_tensors() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    model = as_classifier(torch.from_numpy)
    assert torch.is_tensor(model.outputs(list(FEATURES)))


def test_functions_are_known_by_source_and_by_what_they_closed_over() -> None:
    def scaled(factor: float) -> Any:
        return lambda x: factor * x

    one, again, other = (as_classifier(scaled(f), name="f").fingerprint() for f in (1, 1, 2))
    assert one == again != other

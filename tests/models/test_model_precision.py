"""In which precision torch computes, whatever it is set to, and on which device."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.model_support import FEATURES, module_of, outputs

from infotheory.evaluation import evaluate_model
from infotheory.evaluation.states import read_kept
from infotheory.models.opening import as_classifier


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def network(torch: Any) -> Any:
    """Four features, three outputs."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        layers = (torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.ReLU())
        return torch.nn.Sequential(*layers, torch.nn.Linear(8, 3)).eval()


@pytest.mark.parametrize(("precision", "name"), [("bf16", "bfloat16"), ("fp16", "float16")])
def test_mixed_precision_is_autocast(torch: Any, network: Any, precision: str, name: str) -> None:
    network.eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=getattr(torch, name)):
        expected = network(torch.from_numpy(FEATURES))
    assert expected.dtype == getattr(torch, name)
    found = outputs(as_classifier(network, precision=precision))
    assert found.dtype == np.float32  # each half number is one
    np.testing.assert_array_equal(found, expected.float().numpy())


def switches(torch: Any) -> dict[str, Any]:
    """What torch is set to round, as far as it tells."""
    cudnn, cpu = torch.backends.cudnn, torch.backends.mkldnn
    found = {}
    with suppress(RuntimeError):  # where a layer differs from the others
        found["convolutions"] = cudnn.allow_tf32
    with suppress(RuntimeError):
        found["products"] = torch.get_float32_matmul_precision()
    if hasattr(cudnn, "conv"):
        places = (cudnn.conv, cudnn.rnn, torch.backends.cuda.matmul, cpu.matmul, cpu.conv, cpu.rnn)
        found["layers"] = [place.fp32_precision for place in places]
    return found


@pytest.fixture
def _unset(torch: Any) -> Any:
    """Let torch round after the test as it did before."""
    cudnn, cpu = torch.backends.cudnn, torch.backends.mkldnn
    places = (cudnn.conv, cudnn.rnn, torch.backends.cuda.matmul, cpu.matmul, cpu.conv, cpu.rnn)
    before = [place.fp32_precision for place in places] if hasattr(cudnn, "conv") else []
    products = torch.get_float32_matmul_precision()
    yield
    cudnn.allow_tf32 = True
    torch.set_float32_matmul_precision(products)
    for place, value in zip(places, before, strict=False):
        place.fp32_precision = value


@pytest.mark.usefixtures("_unset")
@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
@pytest.mark.parametrize("products", ["highest", "high", "medium"])
@pytest.mark.parametrize("convolutions", [True, False])
def test_float32_is_exact_whatever_torch_is_set_to(
    torch: Any, precision: str, products: str, convolutions: bool
) -> None:
    seen = []

    def look(x: Any) -> Any:
        seen.append(switches(torch))
        return x

    torch.backends.cudnn.allow_tf32 = convolutions
    torch.set_float32_matmul_precision(products)
    before = switches(torch)
    assert before["products"] == products
    outputs(as_classifier(module_of(torch, look), precision=precision))
    assert switches(torch) == before
    (inside,) = seen
    if precision == "bf16":
        assert inside == before
        return
    assert inside["products"] == "highest"
    assert inside.get("convolutions", precision == "tf32") is (precision == "tf32")
    of_convolutions = "tf32" if precision == "tf32" else "ieee"
    assert inside.get("layers", [of_convolutions] * 2 + ["ieee"] * 4) == (
        [of_convolutions] * 2 + ["ieee"] * 4
    )


@pytest.mark.usefixtures("_unset")
def test_a_setting_for_each_kind_of_layer_is_as_before(torch: Any) -> None:
    cudnn = torch.backends.cudnn
    if not hasattr(cudnn, "conv"):
        pytest.skip("this torch has one setting for all kinds of layers")
    cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision = "ieee", "tf32"
    before, seen = switches(torch), []
    outputs(as_classifier(module_of(torch, lambda x: seen.append(switches(torch)) or x)))
    assert switches(torch) == before
    assert seen[0]["layers"] == ["ieee"] * 6


@pytest.mark.parametrize("precision", ["float32", "tf32"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_weights_of_half_precision_are_not_called_float32(
    torch: Any, network: Any, dtype: str, precision: str
) -> None:
    network[3].to(getattr(torch, dtype))
    half = {"bfloat16": "bf16", "float16": "fp16"}[dtype]
    text = f"precision must be '{half}' for weights of {dtype}; got '{precision}' for model 'Seq"
    with pytest.raises(ValueError, match=text):
        as_classifier(network, precision=precision)
    model: Any = as_classifier(network.to(getattr(torch, dtype)), precision=half)
    assert np.isfinite(outputs(model)).all()


def test_precision_and_device_can_be_chosen_when_it_is_measured(torch: Any, network: Any) -> None:
    first: Any = as_classifier(network, class_names="abc", preprocess=lambda row: row + 1)
    half: Any = as_classifier(first, precision="bf16", device="cpu")
    assert (first.precision, half.precision) == ("float32", "bf16")
    assert (half.module, half.class_names, half.name) == (network, ("a", "b", "c"), first.name)
    expected = as_classifier(network, precision="bf16", preprocess=lambda row: row + 1)
    np.testing.assert_array_equal(outputs(half), outputs(expected))
    assert (outputs(half) != outputs(first)).any()
    assert half.fingerprint() != first.fingerprint()
    assert as_classifier(half) is half  # it keeps what was asked for first
    with pytest.raises(ValueError, match="None or a device of torch on this machine"):
        as_classifier(first, device="cuda:99")
    with pytest.raises(ValueError, match="precision must be one of 'float32', 'tf32'"):
        as_classifier(first, precision="int8")


def test_a_module_that_was_moved_is_found(torch: Any, network: Any) -> None:
    """By its owner, or by another classifier of it."""
    model: Any = as_classifier(network)
    assert outputs(model, FEATURES.astype(np.float64)).dtype == np.float32
    network.double()
    assert outputs(model).dtype == np.float64
    empty: Any = as_classifier(module_of(torch, lambda x: x))
    assert as_classifier(empty, device="cpu")._device.type == "cpu"


def test_another_classifier_cannot_change_its_precision() -> None:
    model = as_classifier(lambda x: x, name="mine")
    assert as_classifier(model, device="cpu") is model
    with pytest.raises(ValueError, match="'float32' for model 'mine', which computes as it does"):
        as_classifier(model, precision="bf16")


def test_what_is_measured_is_told_with_the_precision_it_had(network: Any, tmp_path: Path) -> None:
    """That of the classifier, or the one that is asked for when it is measured."""
    labels = np.arange(10) % 3
    first: Any = as_classifier(network)
    half: Any = as_classifier(network, precision="bf16")
    found = {}
    for name, model, options in (
        ("float32", first, {}),
        ("asked", first, {"precision": "bf16"}),
        ("own", half, {}),
        ("module", network, {"precision": "bf16"}),
    ):
        path = tmp_path / name
        report = evaluate_model(model, (FEATURES, labels), save_state=path, **options)
        (kept,) = read_kept(path).values()
        assert kept.options["precision"] == ("float32" if name == "float32" else "bf16")
        found[name] = report.cross_entropy
    assert found["asked"] == found["own"] == found["module"] != found["float32"]

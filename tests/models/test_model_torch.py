"""Torch modules: mode, precision, memory, heads, and what they are known by again."""

from __future__ import annotations

import copy
import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from models.model_support import FEATURES, module_of, outputs

from infotheory.exceptions import BatchHalvedWarning
from infotheory.models.interface import Classifier
from infotheory.models.opening import as_classifier
from infotheory.models.preprocessing import Preprocessing
from infotheory.models.torch_modules import TorchClassifier, torch_device


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


@pytest.fixture
def network(torch: Any) -> Any:
    """Four features, three outputs; what it gives depends on the mode it is in."""
    generator = torch.Generator().manual_seed(1)
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 3)
    )
    with torch.no_grad():
        for tensor in (*module.parameters(), module[1].running_mean):
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
    return module


def test_equals_the_module_in_evaluation_mode(torch: Any, network: Any) -> None:
    with torch.no_grad():
        expected = copy.deepcopy(network).eval()(torch.from_numpy(FEATURES)).numpy()
    model = as_classifier(network, name="mine", class_names=["a", "b", "c"])
    assert isinstance(model, Classifier)
    assert (model.name, model.kind, model.n_outputs) == ("mine", "logits", 3)
    found = model.outputs([model.prepare(row) for row in FEATURES])
    assert torch.is_tensor(found)
    assert found.dtype == torch.float32
    assert not found.requires_grad
    np.testing.assert_array_equal(found.numpy(), expected)
    assert as_classifier(model) is model


def test_the_module_is_left_in_the_mode_it_was_in(torch: Any, network: Any) -> None:
    network.train()
    network[1].eval()  # as a user freezes a normalisation
    before = [part.training for part in network.modules()]
    model = as_classifier(network)
    outputs(model)
    assert [part.training for part in network.modules()] == before
    assert network[1].num_batches_tracked == 0

    network[0].forward = lambda x: 1 / 0
    with pytest.raises(ZeroDivisionError):
        outputs(model)
    assert [part.training for part in network.modules()] == before


def test_weights_in_double_precision_stay_so(torch: Any, network: Any) -> None:
    network.double().eval()
    samples = FEATURES.astype(np.float64) + 1e-12
    with torch.no_grad():
        expected = network(torch.from_numpy(samples)).numpy()
    found = outputs(as_classifier(network), samples)
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(outputs(as_classifier(network)), expected, rtol=0, atol=1e-9)


# ------------------------------------------------------------------------------------------ memory


class Memory:
    """A function that has room for some samples only."""

    def __init__(self, torch: Any, room: int, text: str = "CUDA out of memory.") -> None:
        self.torch, self.room, self.text = torch, room, text
        self.sizes: list[int] = []

    def __call__(self, x: Any) -> Any:
        self.sizes.append(len(x))
        if len(x) > self.room:
            raise self.torch.cuda.OutOfMemoryError(self.text)
        return x


def test_a_batch_that_is_too_large_is_halved_until_it_fits(torch: Any) -> None:
    memory = Memory(torch, room=3)
    model = as_classifier(module_of(torch, memory), name="big")
    with pytest.warns(BatchHalvedWarning) as caught:
        found = outputs(model)
    np.testing.assert_array_equal(found, FEATURES)
    assert memory.sizes == [10, 5, 2, 2, 2, 2, 2]
    (told,) = (str(one.message) for one in caught)
    assert told == (
        "Memory of cpu does not suffice for batches of 10: model 'big' takes 2 at a time from now "
        "on."
    )
    assert caught[0].filename == outputs.__code__.co_filename

    memory.sizes.clear()  # it is remembered, and said once
    np.testing.assert_array_equal(outputs(model, FEATURES[:5]), FEATURES[:5])
    assert memory.sizes == [2, 2, 1]


def test_memory_may_become_less_later(torch: Any) -> None:
    memory = Memory(torch, room=10)
    model = as_classifier(module_of(torch, memory))
    outputs(model)
    memory.room = 4
    with pytest.warns(BatchHalvedWarning, match="batches of 10.*takes 2 at a time"):
        outputs(model)
    memory.room = 1
    with pytest.warns(BatchHalvedWarning, match="batches of 2: .*takes 1 at a time"):
        np.testing.assert_array_equal(outputs(model), FEATURES)


def test_not_even_one_sample_fits(torch: Any) -> None:
    memory = Memory(torch, room=0, text="CUDA out of memory. Tried to allocate\nand more")
    with pytest.raises(ValueError, match="small enough for the memory of cpu") as caught:
        outputs(as_classifier(module_of(torch, memory), name="big"))
    assert str(caught.value) == (
        "model 'big' must be small enough for the memory of cpu; got too little of it for one "
        "sample (CUDA out of memory. Tried to allocate). Use device='cpu', or precision='bf16'."
    )


def test_other_errors_are_raised_as_they_are(torch: Any) -> None:
    def fail(x: Any) -> Any:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        outputs(as_classifier(module_of(torch, fail)))


# ----------------------------------------------------------------------------------------- outputs


@pytest.mark.parametrize("wrap", [dict, SimpleNamespace])
def test_logits_may_be_wrapped(torch: Any, wrap: Any) -> None:
    model = as_classifier(module_of(torch, lambda x: wrap(logits=x)))
    np.testing.assert_array_equal(outputs(model), FEATURES)


@pytest.mark.parametrize(
    ("function", "fact"),
    [
        (lambda x: x[:, :, None, None], "outputs of shape (10, 4, 1, 1) for 10 sample(s)"),
        (lambda x: x[:, :1], "outputs of shape (10, 1) for 10 sample(s)"),
        (lambda x: x[:, 0], "outputs of shape (10,) for 10 sample(s)"),
        (lambda x: x[:4], "outputs of shape (4, 4) for 10 sample(s)"),
        (lambda x: (x, x), "an output of type tuple"),
        (lambda x: {"features": x}, "an output of type dict"),
    ],
)
def test_a_model_without_a_head_is_refused(torch: Any, function: Any, fact: str) -> None:
    with pytest.raises(ValueError, match="'Computing' must have a classification head") as caught:
        outputs(as_classifier(module_of(torch, function)))
    assert fact in str(caught.value)


def test_nan_is_refused_at_once(torch: Any) -> None:
    def spoil(x: Any) -> Any:
        x[3, 1] = torch.nan
        return x

    with pytest.raises(ValueError, match="numbers; got nan in row 3 of the first batch"):
        outputs(as_classifier(module_of(torch, spoil)))


def test_later_batches_are_for_the_measurement_to_look_through(torch: Any) -> None:
    model = as_classifier(module_of(torch, lambda x: x / x))
    outputs(model)
    assert np.isnan(outputs(model, np.zeros((2, 4)))).all()


def test_the_number_of_outputs_stays(torch: Any) -> None:
    model = as_classifier(module_of(torch, lambda x: x[:, : len(x)]))
    assert model.n_outputs is None
    outputs(model, FEATURES[:4])
    assert model.n_outputs == 4
    with pytest.raises(ValueError, match=r"same number of outputs in all batches \(4\); got 2"):
        outputs(model, FEATURES[:2])
    named = as_classifier(module_of(torch, lambda x: x), class_names=["a", "b"])
    with pytest.raises(ValueError, match=r"\(2\); got 4"):
        outputs(named)


def test_prepared_mappings_become_named_arguments(torch: Any) -> None:
    def add(left: Any, right: Any) -> Any:
        return left + right

    model = as_classifier(
        module_of(torch, add), preprocess=lambda row: {"left": row, "right": torch.ones(4)}
    )
    np.testing.assert_array_equal(outputs(model), FEATURES + 1)


def test_samples_of_several_shapes_are_refused(torch: Any, network: Any) -> None:
    with pytest.raises(ValueError, match=r"of one shape; got \(4,\) and \(3,\)\. Give the prepro"):
        outputs(as_classifier(network), [FEATURES[0], FEATURES[0, :3]])


@pytest.mark.parametrize("sample", [np.zeros((4, 4, 3), dtype=np.uint8), "text"])
def test_a_bare_module_takes_features_only(network: Any, sample: Any) -> None:
    with pytest.raises(ValueError, match="sample must be features") as caught:
        as_classifier(network).prepare(sample)
    assert "Pass preprocess=Preprocessing(...)" in str(caught.value)


def test_a_mapping_makes_a_preprocessing(torch: Any) -> None:
    model = as_classifier(module_of(torch, lambda x: x.mean(dim=(2, 3))), preprocess={"mean": 0.5})
    image = np.full((5, 6, 3), 255, dtype=np.uint8)
    np.testing.assert_array_equal(outputs(model, [image, image]), np.full((2, 3), 0.5))


def test_images_reach_a_transform_in_rgb(torch: Any) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    model = as_classifier(module_of(torch, lambda x: x), preprocess=lambda i: i.getpixel((0, 0)))
    indexed = image.new("P", (3, 2), 1)
    indexed.putpalette([0, 0, 0, 10, 20, 30])
    assert outputs(model, [image.new("L", (3, 2), 7), indexed]).tolist() == [[7] * 3, [10, 20, 30]]


# --------------------------------------------------------------------------------------- arguments


@pytest.mark.parametrize("device", ["tpu9", "cuda:99", 3.5, "meta"])
def test_devices_that_are_not_here_are_refused(network: Any, device: Any) -> None:
    with pytest.raises(ValueError, match="None or a device of torch on this machine") as caught:
        as_classifier(network, device=device)
    assert f"'cpu'); got {device!r}." in str(caught.value)


def test_the_best_device_is_the_gpu(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert torch_device(None).type == "cuda"
    assert torch_device("cuda:1").index == 1
    with pytest.raises(ValueError, match=r"\('cuda', 'mps', 'cpu'\); got 'cuda:2'\. With several"):
        torch_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert torch_device(None).type == "mps"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert torch_device(None).type == "cpu"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"precision": "half"}, "precision must be one of 'float32', 'tf32', 'bf16', 'fp16'"),
        ({"kind": "scores"}, "kind must be one of 'logits', 'probs', 'log_probs'; got 'scores'"),
        ({"class_names": 3}, "class_names must be a sequence of strings"),
    ],
)
def test_arguments_out_of_range_are_refused(network: Any, options: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError), match="must be") as caught:
        as_classifier(network, **options)
    assert text in str(caught.value)


def test_class_names_and_outputs_agree(network: Any) -> None:
    with pytest.raises(ValueError, match=r"one class name an output symbol \(2\); got 3"):
        TorchClassifier(network, name="m", class_names=["a", "b", "c"], n_outputs=2)


# ------------------------------------------------------------------------------------ fingerprints


def test_the_same_weights_are_known_again(torch: Any, network: Any) -> None:
    first = as_classifier(network).fingerprint()
    assert len(first) == 64
    assert as_classifier(copy.deepcopy(network).eval(), name="other").fingerprint() == first
    model = as_classifier(network)
    outputs(model)
    assert model.fingerprint() == first


def changed(network: Any, how: str) -> Any:
    module = copy.deepcopy(network)
    if how == "a weight":
        module[3].weight.data[2, 1] += 1e-6
    elif how == "a buffer":
        module[1].running_var[7] += 1e-6
    elif how == "an attribute":
        module[1].eps = 1e-4
    elif how == "a part":
        import torch

        module[2] = torch.nn.Identity()
    elif how == "precision of the weights":
        module.double()
    elif how == "order":
        module[3].bias.data = module[3].bias.data.flip(0)
    return module


@pytest.mark.parametrize(
    "how",
    ["a weight", "a buffer", "an attribute", "a part", "precision of the weights", "order"],
)
def test_another_model_is_another(network: Any, how: str) -> None:
    assert as_classifier(changed(network, how)).fingerprint() != (
        as_classifier(network).fingerprint()
    )


def test_what_else_decides_the_outputs_counts_too(network: Any) -> None:
    options: list[dict[str, Any]] = [
        {},
        {"precision": "bf16"},
        {"kind": "probs"},
        {"preprocess": Preprocessing()},
        {"preprocess": Preprocessing(mean=0.5)},
        {"preprocess": lambda row: row},
        {"preprocess": lambda row: row + 1},
    ]
    found = {as_classifier(network, **one).fingerprint() for one in options}
    assert len(found) == len(options)


def test_weights_of_many_blocks_and_none(torch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = torch.nn.Linear(5, 9, bias=False)
    wide.register_buffer("scale", torch.tensor(2.0, dtype=torch.bfloat16))
    wide.register_buffer("nothing", torch.zeros(0))
    whole = as_classifier(wide).fingerprint()
    monkeypatch.setattr("infotheory.models.identity._BLOCK", 7)
    assert as_classifier(wide).fingerprint() == whole
    wide.weight.data[-1, -1] += 1
    assert as_classifier(wide).fingerprint() != whole


# --------------------------------------------------------------------------------------------- GPU


@pytest.mark.gpu
def test_outputs_stay_on_the_gpu_and_equal_those_of_the_cpu(torch: Any) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = torch.nn.Sequential(
            torch.nn.Conv2d(3, 32, 3), torch.nn.ReLU(), torch.nn.Conv2d(32, 10, 14),
            torch.nn.Flatten(),
        )  # fmt: skip
    images = np.random.default_rng(0).normal(size=(20, 3, 16, 16)).astype(np.float32)
    expected = outputs(as_classifier(module), images)
    model = as_classifier(module, device="cuda")
    found = model.outputs([model.prepare(image) for image in images])
    assert found.device.type == "cuda"
    # Sums of 32 * 14 * 14 = 6272 float32 products in another order: sqrt(6272) * 2**-24 of their
    # scale is 5e-6; tf32 with its ten bits would be off by 1e-3.
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.cpu().numpy(), expected, rtol=0, atol=2e-5 * scale)
    halves = as_classifier(module, precision="bf16")
    found = halves.outputs([halves.prepare(image) for image in images])
    assert (found.device.type, found.dtype) == ("cuda", torch.bfloat16)


@pytest.mark.gpu
def test_memory_of_the_gpu_is_halved(torch: Any) -> None:
    total = torch.cuda.get_device_properties(0).total_memory
    each = total // 16  # bytes that one sample takes: sixteen of them do not fit

    def fill(x: Any) -> Any:
        room = torch.empty(len(x) * each, dtype=torch.uint8, device="cuda")
        return x + 0 * room[0]

    model = as_classifier(module_of(torch, fill), device="cuda")
    samples = np.tile(FEATURES, (2, 1))[:16]
    with pytest.warns(BatchHalvedWarning, match="takes [1248] at a time"):
        found = model.outputs([model.prepare(row) for row in samples])
    np.testing.assert_array_equal(found.cpu().numpy(), samples)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.outputs([model.prepare(row) for row in samples])

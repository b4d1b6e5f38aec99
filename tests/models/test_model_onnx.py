"""ONNX models, run by ONNX Runtime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models.model_support import FEATURES, outputs, write_onnx

from infotheory.models.opening import open_model
from infotheory.models.preprocessing import Preprocessing

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

# Sums of four float32 products and a bias: five roundings of 2**-24 of terms of up to 10.
CLOSE = {"rtol": 0, "atol": 5 * 2.0**-24 * 10}


def opened(path: Path, query: str = "", **options: Any) -> Any:
    return open_model(f"onnx:{path}{query}", **options)


@pytest.mark.parametrize("batch", ["n", None, 1, 3, 10, 16])
def test_equals_the_product_by_hand_for_any_size_of_a_batch(tmp_path: Path, batch: Any) -> None:
    path, weight, bias = write_onnx(tmp_path / "linear.onnx", batch=batch)
    model = opened(path)
    assert (model.name, model.kind, model.n_outputs, model.class_names) == (
        "linear", "logits", 3, None,
    )  # fmt: skip
    for n in (1, 3, 10):
        found = outputs(model, FEATURES[:n])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, FEATURES[:n] @ weight + bias, **CLOSE)


@pytest.mark.parametrize(("dtype", "name"), [("DOUBLE", "float64"), ("FLOAT16", "float16")])
def test_features_become_the_type_that_the_model_takes(
    tmp_path: Path, dtype: str, name: str
) -> None:
    path, weight, bias = write_onnx(tmp_path / "m.onnx", dtype=dtype)
    found = outputs(opened(path))
    assert found.dtype == name
    expected = FEATURES.astype(name).astype(float) @ weight.astype(float) + bias.astype(float)
    atol = {"float64": 1e-14, "float16": 5 * 2.0**-11 * 10}[name]
    np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


def test_one_of_several_outputs_is_chosen(tmp_path: Path) -> None:
    path, weight, bias = write_onnx(tmp_path / "m.onnx", extra=True)
    with pytest.raises(ValueError, match="output must be the name of an output") as caught:
        opened(path)
    assert "got None, and m.onnx has label: tensor(int64) ['n'], z: tensor(float)" in str(
        caught.value
    )
    with pytest.raises(ValueError, match="got 'label'"):
        opened(path, "?output=label")
    logits = FEATURES @ weight + bias
    np.testing.assert_allclose(outputs(opened(path, "?output=z")), logits, **CLOSE)
    model = opened(path, "?output=p&kind=probs")
    assert model.kind == "probs"
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs(model), expected, rtol=1e-5)


def test_metadata_say_how_to_prepare_and_what_classes_are_called(tmp_path: Path) -> None:
    prepare = Preprocessing(mode="L", crop=2, mean=0.5, std=0.25)
    metadata = {
        "infotheory.preprocessing": prepare.to_json(),
        "infotheory.class_names": json.dumps(["a", "b", "c"]),
    }
    path, weight, bias = write_onnx(tmp_path / "m.onnx", shape=(1, 2, 2), metadata=metadata)
    model = opened(path)
    assert model.class_names == ("a", "b", "c")
    image = np.random.default_rng(0).integers(0, 256, (4, 4), dtype=np.uint8)
    inner = (image[1:3, 1:3].ravel() / 255 - 0.5) / 0.25
    np.testing.assert_allclose(outputs(model, [image])[0], inner @ weight + bias, **CLOSE)
    # Options of the spec take its place.
    plain = outputs(opened(path, "?mode=L&crop=2"), [image])[0]
    np.testing.assert_allclose(plain, image[1:3, 1:3].ravel() / 255 @ weight + bias, **CLOSE)


@pytest.mark.parametrize("names", ["not json", '{"a": 1, "b": 2, "c": 3}', "[1, 2, 3]", '"abc"'])
def test_names_of_classes_in_another_form_are_refused(tmp_path: Path, names: str) -> None:
    path, _, _ = write_onnx(tmp_path / "m.onnx", metadata={"infotheory.class_names": names})
    text = "metadata 'infotheory.class_names' of m.onnx must be a JSON list of names, one an output"
    with pytest.raises(ValueError, match=text):
        opened(path)


def test_images_without_a_preprocessing_are_refused(tmp_path: Path) -> None:
    path, *_ = write_onnx(tmp_path / "m.onnx", shape=(3, 2, 2))
    with pytest.raises(ValueError, match=r"Name it: onnx:FILE\?size=256.*infotheory.preprocessing"):
        opened(path).prepare(np.zeros((2, 2, 3), dtype=np.uint8))


@pytest.mark.parametrize("shape", [(2, 2, 3), (3, 2), (3, 3, 2)])
def test_samples_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path, *_ = write_onnx(tmp_path / "m.onnx", shape=(3, 2, "w"))
    model = opened(path)
    with pytest.raises(ValueError, match=r"that m.onnx takes, \(3, 2, w\); got") as caught:
        model.outputs([np.zeros(shape, dtype=np.float32)])
    assert f"got {shape}. Name it: onnx:FILE?size=" in str(caught.value)


def test_other_models_are_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    helper, number = onnx.helper, onnx.TensorProto.FLOAT
    info = helper.make_tensor_value_info

    def write(inputs: list[Any]) -> Path:
        node = helper.make_node("Add", [inputs[0].name, inputs[-1].name], ["z"])
        graph = helper.make_graph([node], "g", inputs, [info("z", inputs[0].type.tensor_type.elem_type, ["n", 2])])  # noqa: E501  # fmt: skip
        onnx.save(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
            tmp_path / "m.onnx",
        )
        return tmp_path / "m.onnx"

    with pytest.raises(ValueError, match=r"m.onnx with a: tensor\(float\), b: tensor\(float\)\. O"):
        opened(write([info("a", number, ["n", 2]), info("b", number, ["n", 2])]))
    with pytest.raises(ValueError, match=r"one input of floating-point numbers; .* a: tensor\(int"):
        opened(write([info("a", onnx.TensorProto.INT64, ["n", 2])]))
    (tmp_path / "m.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"an ONNX file that ONNX Runtime can run; got '.*m.onnx'"):
        opened(tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"an existing file; got '.*none.onnx' \(no such file\)"):
        opened(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match=r"\(a folder\)"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("query", "options", "text"),
    [
        ("", {"precision": "bf16"}, "precision must be 'float32' for an ONNX model, which comp"),
        ("", {"device": "mps"}, "device must be None, 'cpu', 'cuda' or 'cuda:1' for an ONNX model"),
        ("", {"device": "cuda:x"}, "'cuda:1' for an ONNX model; got 'cuda:x'"),
        ("?kind=scores", {}, "kind must be one of 'logits', 'probs', 'log_probs'"),
        ("?outputs=z", {}, "Options of onnx: are output, kind, size, crop"),
        ("?std=0", {}, "std must be positive; got 0.0"),
    ],
)
def test_options_out_of_range_are_refused(
    tmp_path: Path, query: str, options: dict[str, Any], text: str
) -> None:
    path, *_ = write_onnx(tmp_path / "m.onnx")
    with pytest.raises(ValueError, match="must be") as caught:
        opened(path, query, **options)
    assert text in str(caught.value)


def test_the_provider_is_that_of_the_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnxruntime

    path, *_ = write_onnx(tmp_path / "m.onnx")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(ValueError, match="one that ONNX Runtime has; got 'cuda'") as caught:
            opened(path, device="cuda")
        assert "Install onnxruntime-gpu, or pass device='cpu'." in str(caught.value)

    asked = []
    real = onnxruntime.InferenceSession

    def session(path: str, options: Any, providers: list[Any]) -> Any:
        asked.append(providers)
        return real(path, options, providers=["CPUExecutionProvider"])

    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    for device in (None, "cpu", "cuda", "cuda:1"):
        opened(path, device=device)
    cuda = [[("CUDAExecutionProvider", {"device_id": k}), "CPUExecutionProvider"] for k in (0, 1)]
    assert asked == [cuda[0], ["CPUExecutionProvider"], cuda[0], cuda[1]]


def test_fingerprints_see_the_file_its_external_data_and_the_options(tmp_path: Path) -> None:
    path, *_ = write_onnx(tmp_path / "m.onnx", external=True, extra=True)
    assert (tmp_path / "w.bin").is_file()
    queries = ["?output=z", "?output=p", "?output=z&kind=probs", "?output=z&mean=0.5"]
    found = [opened(path, query).fingerprint() for query in queries]
    assert len(set(found)) == len(queries)
    assert opened(path, queries[0]).fingerprint() == found[0]

    weights = bytearray((tmp_path / "w.bin").read_bytes())
    weights[5] ^= 1
    (tmp_path / "w.bin").write_bytes(weights)
    model = opened(path, queries[0])
    assert model.fingerprint() != found[0]
    (tmp_path / "w.bin").unlink()
    with pytest.raises(ValueError, match=r"external data have to lie beside it\."):
        opened(path, queries[0])


def test_a_file_of_weights_may_have_a_long_name(tmp_path: Path) -> None:
    from infotheory.models.onnx_models import _external

    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    path, *_ = write_onnx(tmp_path / "m.onnx")
    name = "w" * 180
    onnx.save(onnx.load(path), path, save_as_external_data=True, location=name, size_threshold=0)
    assert _external(path) == [tmp_path / name]

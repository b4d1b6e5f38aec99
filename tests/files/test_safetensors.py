"""safetensors files: types, and headers that do not describe what is there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from files.support import LABELS, LOGITS, K, N, joined, refused, write_safetensors

from infotheory import measure_classifier
from infotheory.files import find_models


def handmade(folder: Path, header: object, data: bytes = b"", *, length: int | None = None) -> Path:
    """A file with this header, which may say anything."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "made.safetensors"
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + data)
    return path


def entry(kind: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def test_every_2d_array_is_a_model(tmp_path: Path) -> None:
    arrays = {"a": LOGITS, "b": LOGITS.astype("f2"), "labels": LABELS, "bias": np.zeros(3)}
    models, notes = find_models(write_safetensors(tmp_path / "x.safetensors", arrays))
    assert {model.key for model in models} == {"a", "b"}
    assert notes == ["'bias' is 1-dimensional: passed over"]
    for model in models:
        np.testing.assert_array_equal(joined(model).outputs, arrays[model.key])


def test_the_hand_made_file_is_what_the_package_reads(tmp_path: Path) -> None:
    load = pytest.importorskip("safetensors.numpy").load_file
    header = {
        "__metadata__": {"a": "b"},
        "a": entry("F32", [2, 2], 0, 16),
        "y": entry("I8", [2], 16, 18),
    }
    values = np.array([[1, 2], [3, 4]], "f4")
    path = handmade(tmp_path, header, values.tobytes() + b"\0\1")  # not a multiple of eight bytes
    np.testing.assert_array_equal(load(path)["a"], values)
    (model,), notes = find_models(path, "y")
    assert notes == []
    batch = joined(model)
    np.testing.assert_array_equal(batch.outputs, values)
    np.testing.assert_array_equal(batch.labels, [0, 1])
    assert batch.outputs.flags.aligned


def test_bfloat16_keeps_its_type_through_the_measurement(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    save = pytest.importorskip("safetensors.torch").save_file
    outputs = torch.tensor(LOGITS).to(torch.bfloat16)
    path = tmp_path / "x.safetensors"
    save({"logits": outputs, "labels": torch.tensor(LABELS)}, path)
    (model,), notes = find_models(path)
    assert notes == []
    assert (model.n_rows, model.n_outputs, model.dtype.name) == (N, K, "bfloat16")
    batch = joined(model, 40, start=10)
    assert batch.outputs.tobytes() == outputs[10:].view(torch.int16).numpy().tobytes()
    found = measure_classifier(batch.outputs, batch.labels)
    assert found.to_dict() == measure_classifier(outputs[10:], LABELS[10:]).to_dict()
    # Probabilities of this type round at 2^-9: as single precision they would be refused.
    probs = torch.softmax(torch.tensor(LOGITS), 1).to(torch.bfloat16)
    save({"probs": probs, "labels": torch.tensor(LABELS)}, path)
    batch = joined(find_models(path)[0][0])
    found = measure_classifier(batch.outputs, batch.labels, kind="probs")
    assert found.to_dict() == measure_classifier(probs, LABELS, kind="probs").to_dict()


def test_integers_of_16_bits_are_integers(tmp_path: Path) -> None:
    arrays = {"a": np.array([[5, 0], [0, 700]], "i2"), "labels": np.array([0, 1])}
    (model,), _ = find_models(write_safetensors(tmp_path / "x.safetensors", arrays))
    found = measure_classifier(*joined(model)[:2])
    assert found.to_dict() == measure_classifier(arrays["a"], arrays["labels"]).to_dict()


def test_types_that_numpy_has_not_are_passed_over(tmp_path: Path) -> None:
    header = {
        "a": entry("F8_E4M3", [2, 2], 0, 4),
        "b": entry("U8", [2, 2], 4, 8),
        "y": entry("U8", [2], 8, 10),
        "z": entry("BOOL", [2, 2], 10, 14),
        "odd": {**entry("", [1], 14, 15), "dtype": ["F32"]},
    }
    models, notes = find_models(handmade(tmp_path, header, bytes(15)), "y")
    assert [model.key for model in models] == ["b"]
    assert notes == [
        "'a' is of the type F8_E4M3: passed over",
        "'odd' is of the type ['F32']: passed over",
        "'z' is of the type bool: passed over",
    ]


A = entry("F32", [2, 2], 0, 16)


@pytest.mark.parametrize(
    ("header", "data", "reason"),
    [
        ({"a": A}, 15, "16 bytes announced, 15 there"),
        ({"a": A}, 17, "16 bytes announced, 17 there"),
        ({"a": A, "b": entry("F32", [1], 12, 16)}, 16, "array 'b' begins at byte 12 and not at 16"),
        ({"a": A, "b": A}, 16, "array 'b' begins at byte 0 and not at 16"),
        ({"a": A, "b": entry("F32", [1], 20, 24)}, 24, "array 'b' begins at byte 20 and not at 16"),
        ({"a": entry("F32", [2, 3], 0, 16)}, 16, "array 'a' needs 24 bytes and has 16"),
        ({"a": entry("F32", [2**62, 2**62], 0, 16)}, 16, "and has 16"),
        ({"a": entry("F32", [2, -2], 0, 16)}, 16, "gives no shape of an array"),
        ({"a": entry("F32", [2, 2.0], 0, 16)}, 16, "gives no shape of an array"),
        ({"a": entry("F32", [True, 4], 0, 16)}, 16, "gives no shape of an array"),
        ({"a": entry("F32", [1] * 65, 0, 4)}, 4, "gives no shape of an array"),
        ({"a": {"dtype": "F32", "data_offsets": [0, 16]}}, 16, "gives no shape of an array"),
        ({"a": {"dtype": "F32", "shape": [4]}}, 16, "gives no data_offsets of an array"),
        ({"a": entry("F32", [4], 16, 0)}, 16, "array 'a' has no place in the file"),
        ({"a": {**A, "data_offsets": [0, 8, 16]}}, 16, "array 'a' has no place in the file"),
        ({"a": [1]}, 16, "gives no data_offsets of an array"),
        (b'{"a": 1, "a": 2}', 0, "a name occurs twice in the header"),
        (b'{"a": ', 0, "Expecting value"),
        (b'{"a": \xff}', 0, "codec can't decode"),
        (b'{"a":' + b"[" * 100_000, 0, "recursion"),
        (b'{"a": 1' + b"0" * 5000 + b"}", 0, "integer string conversion"),
    ],
)
def test_headers_that_do_not_fit(tmp_path: Path, header: object, data: int, reason: str) -> None:
    text = refused(handmade(tmp_path, header, bytes(data)), "a")
    assert text.startswith("the file is truncated or damaged (")
    assert reason in text


@pytest.mark.parametrize("length", [10**8, 3000])
def test_a_header_longer_than_the_file(tmp_path: Path, length: int) -> None:
    text = refused(handmade(tmp_path, {"a": A}, bytes(16), length=length))
    assert text == f"the file is truncated or damaged (a header of {length} bytes is announced)."


def test_a_huge_header_is_not_taken_for_this_format(tmp_path: Path) -> None:
    text = refused(handmade(tmp_path, {"a": A}, bytes(16), length=10**8 + 1))
    assert text.startswith("it is no npy, npz, parquet or safetensors file")


@pytest.mark.parametrize("header", [{}, {"__metadata__": {}}])
def test_no_array_at_all(tmp_path: Path, header: object) -> None:
    assert refused(handmade(tmp_path, header)) == "it is a safetensors file without arrays."

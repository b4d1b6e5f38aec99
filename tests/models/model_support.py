"""What the tests of models share."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FEATURES = np.random.default_rng(7).normal(size=(10, 4)).astype(np.float32)


def outputs(model: Any, samples: Any = FEATURES) -> np.ndarray:
    """The outputs of all samples, as an array."""
    return np.asarray(model.outputs([model.prepare(sample) for sample in samples]))


@contextmanager
def no_network() -> Iterator[None]:
    """Let any attempt to connect fail the test, also one that is caught on the way."""
    tried: list[Any] = []

    def connect(self: Any, address: Any) -> None:
        tried.append(address)
        raise ConnectionError(address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket, "getaddrinfo", lambda *a, **k: connect(None, a))
        yield
    assert tried == []


def module_of(torch: Any, function: Any) -> Any:
    """A module without weights that computes a function."""

    class Computing(torch.nn.Module):
        def forward(self, *batch: Any, **named: Any) -> Any:
            return function(*batch, **named)

    return Computing()


def write_onnx(
    path: Path,
    *,
    batch: Any = "n",
    dtype: str = "FLOAT",
    metadata: dict[str, str] | None = None,
    extra: bool = False,
    external: bool = False,
    shape: tuple[Any, ...] = (4,),
) -> tuple[Path, np.ndarray, np.ndarray]:
    """Write z = x W + b with three outputs, where x is flattened."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    helper, kinds = onnx.helper, onnx.TensorProto
    number = getattr(kinds, dtype)
    numpy_type = helper.tensor_dtype_to_np_dtype(number)
    rng = np.random.default_rng(3)
    n_features = int(np.prod([n if isinstance(n, int) else 4 for n in shape]))
    weight = rng.normal(size=(n_features, 3)).astype(numpy_type)
    bias = rng.normal(size=3).astype(numpy_type)
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "W", "b"], ["z"]),
    ]
    results = [helper.make_tensor_value_info("z", number, [batch, 3])]
    if extra:
        nodes.append(helper.make_node("ArgMax", ["z"], ["label"], axis=1, keepdims=0))
        nodes.append(helper.make_node("Softmax", ["z"], ["p"], axis=1))
        results.insert(0, helper.make_tensor_value_info("label", kinds.INT64, [batch]))
        results.append(helper.make_tensor_value_info("p", number, [batch, 3]))
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", number, [batch, *shape])],
        results,
        [onnx.numpy_helper.from_array(weight, "W"), onnx.numpy_helper.from_array(bias, "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata or {})
    more = {"save_as_external_data": True, "location": "w.bin", "size_threshold": 0}
    onnx.save(model, path, **(more if external else {}))
    return path, weight, bias

"""ONNX models, run by ONNX Runtime."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from infotheory._typing import AnyArray
from infotheory._validation import refusal
from infotheory.models.adapter import Adapter, stacked
from infotheory.models.offline import reason
from infotheory.models.preprocessing import Features, Preprocessing, take_preprocessing
from infotheory.models.specs import Spec, needed
from infotheory.models.weights import existing_file, hash_file, refuse_precision

__all__ = ["OnnxClassifier", "open_onnx"]

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
}
_FIX = (
    "Name it: onnx:FILE?size=256&crop=224&mean=...&std=...&layout=CHW, or store "
    "Preprocessing(...).to_json() in the model as metadata 'infotheory.preprocessing'."
)
# How a model names a file with some of its weights: the entry "location", and the length of the
# name in one byte, or in two of which the first has its highest bit set.
_LOCATION = re.compile(rb"\n\x08location\x12([\x80-\xff]?)([\x01-\x7f])")


def open_onnx(spec: Spec, *, device: str | None, precision: str, download: bool) -> OnnxClassifier:  # noqa: ARG001
    """Open ``onnx:FILE``.

    Parameters
    ----------
    spec : Spec
        What the user wrote, with ``?output=NAME``, ``?kind=probs`` and the fields of
        :class:`infotheory.models.Preprocessing`.
    device : str or None
        "cuda" for ONNX Runtime's CUDA provider; None for it where it is there.
    precision : str
        "float32": such a model computes as it is stored.
    download : bool
        Without meaning here.

    Returns
    -------
    OnnxClassifier

    Raises
    ------
    ValueError
        If the file cannot be used, or needs another number of inputs or outputs.
    ImportError
        If onnxruntime is not there.
    """
    output, kind = spec.take("output"), spec.take("kind") or "logits"
    preprocess = take_preprocessing(spec)
    spec.finish()
    refuse_precision(precision, "an ONNX model, which computes as it is stored")
    path = existing_file(spec.place, "model")
    return OnnxClassifier(path, output=output, kind=kind, preprocess=preprocess, device=device)


class OnnxClassifier(Adapter):
    """A model in an ONNX file.

    Parameters
    ----------
    path : Path
        The file; those with its external data lie beside it.
    output : str or None, default None
        Which output; None where there is only one of numbers.
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What it is.
    preprocess : callable or None, default None
        Prepares one sample; None for the metadata ``infotheory.preprocessing``, if there are any.
    device : str or None, default None
        "cpu", "cuda" or "cuda:1"; None for CUDA where ONNX Runtime has it.

    Raises
    ------
    ValueError
        If the file cannot be used.

    Notes
    -----
    The metadata ``infotheory.class_names``, a JSON list, names the outputs. A model with a fixed
    batch size gets batches of that size, the last one filled up.
    """

    def __init__(
        self,
        path: Path,
        *,
        output: str | None = None,
        kind: str = "logits",
        preprocess: Any = None,
        device: str | None = None,
    ) -> None:
        self.path = path
        self._session = _session(path, device)
        given = self._session.get_modelmeta().custom_metadata_map
        if preprocess is None and "infotheory.preprocessing" in given:
            preprocess = Preprocessing.of(given["infotheory.preprocessing"])
        self._input = _the_input(path, self._session.get_inputs())
        self._output = _the_output(path, self._session.get_outputs(), output)
        names = _names(path, given.get("infotheory.class_names"))
        shape = self._output.shape
        known = shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None
        super().__init__(
            path.stem,
            kind,
            preprocess or Features(_FIX),
            names,
            known,
        )

    def outputs(self, prepared: Sequence[Any]) -> AnyArray:
        """Return the outputs of some prepared samples.

        Parameters
        ----------
        prepared : sequence of ndarray
            What :meth:`prepare` has returned for them.

        Returns
        -------
        ndarray, shape (n, K)

        Raises
        ------
        ValueError
            If the samples are not of the shape that the model takes.
        """
        batch = stacked(prepared).astype(_TYPES[self._input.type], copy=False)
        fixed, *wanted = self._input.shape or [None, *batch.shape[1:]]
        agree = len(wanted) == batch.ndim - 1 and all(
            not isinstance(size, int) or size == there
            for size, there in zip(wanted, batch.shape[1:], strict=True)
        )
        if not agree:
            raise refusal(
                "prepared samples",
                f"of the shape that {self.path.name} takes, ({', '.join(map(str, wanted))})",
                f"{batch.shape[1:]}",
                _FIX,
            )
        step = fixed if isinstance(fixed, int) else len(batch)
        parts = [self._run(batch[at : at + step], step) for at in range(0, len(batch), step)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _run(self, batch: AnyArray, size: int) -> AnyArray:
        """Return the outputs of at most `size` samples, filled up to that number."""
        n = len(batch)
        if n < size:
            batch = np.concatenate([batch, np.repeat(batch[-1:], size - n, axis=0)])
        (outputs,) = self._session.run([self._output.name], {self._input.name: batch})
        self._checked(outputs, size)
        return np.asarray(outputs[:n])

    def fingerprint(self) -> str:
        """Return a name for the file, its external data and the preprocessing.

        Returns
        -------
        str
            SHA-256.
        """
        files = [hash_file(path) for path in (self.path, *_external(self.path))]
        return self._identity(self._output.name, files)


def _names(path: Path, text: str | None) -> list[str] | None:
    """Return the class names that the metadata of a model hold."""
    if text is None:
        return None
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise refusal(
            f"metadata 'infotheory.class_names' of {path.name}",
            "a JSON list of names, one an output",
            repr(text[:100]),
            "json.dumps([...]) writes one.",
        )
    return names


def _session(path: Path, device: str | None) -> Any:
    runtime = needed("onnxruntime", "onnx:", "onnx")
    there = runtime.get_available_providers()
    kind, _, index = (device or "").partition(":")
    if kind not in ("", "cpu", "cuda") or (index and not index.isdecimal()):
        raise refusal("device", "None, 'cpu', 'cuda' or 'cuda:1' for an ONNX model", repr(device))
    if kind == "cuda" and "CUDAExecutionProvider" not in there:
        raise refusal(
            "device",
            "one that ONNX Runtime has",
            f"{device!r}, and it has {', '.join(there)}",
            "Install onnxruntime-gpu, or pass device='cpu'.",
        )
    providers: list[Any] = ["CPUExecutionProvider"]
    if kind != "cpu" and "CUDAExecutionProvider" in there:
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": int(index or 0)}))
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors: its advice on graphs is for their authors
    try:
        return runtime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:
        raise refusal(
            "model",
            "an ONNX file that ONNX Runtime can run",
            f"{str(path)!r} ({reason(error)})",
            "Files with external data have to lie beside it.",
        ) from error


def _the_input(path: Path, inputs: Sequence[Any]) -> Any:
    if len(inputs) != 1 or inputs[0].type not in _TYPES:
        listed = ", ".join(f"{one.name}: {one.type}" for one in inputs)
        raise refusal(
            "model",
            "an ONNX model with one input of floating-point numbers",
            f"{path.name} with {listed or 'no inputs'}",
            "Open a model of several inputs with a python: factory.",
        )
    return inputs[0]


def _the_output(path: Path, outputs: Sequence[Any], name: str | None) -> Any:
    """Return the named output, or the only one that can be a row of numbers a sample."""
    fit = [one for one in outputs if one.type in _TYPES and len(one.shape or [0, 0]) == 2]
    chosen = [one for one in outputs if one.name == name] if name is not None else fit
    if len(chosen) != 1 or chosen[0].type not in _TYPES:
        listed = ", ".join(f"{one.name}: {one.type} {one.shape}" for one in outputs)
        raise refusal(
            "output",
            "the name of an output with one row of numbers a sample",
            f"{name!r}, and {path.name} has {listed}",
            "onnx:FILE?output=NAME chooses one.",
        )
    return chosen[0]


def _external(path: Path) -> list[Path]:
    """Return the files with weights that a model names, as far as they are beside it."""
    found: dict[Path, None] = {}
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for match in _LOCATION.finditer(data):
            low, high = match[1], match[2][0]
            length = (low[0] & 0x7F) + (high << 7) if low else high
            name = data[match.end() : match.end() + length]
            beside = path.parent / name.decode("utf-8", errors="replace")
            if beside.is_file():
                found[beside] = None
    return list(found)

"""Torch modules as classifiers: device, precision, memory, and how weights are known again."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from itertools import chain
from typing import Any

from infotheory._validation import check_choice, refusal
from infotheory.exceptions import BatchHalvedWarning
from infotheory.models.adapter import Adapter, stacked
from infotheory.models.offline import replaced
from infotheory.models.preprocessing import Features
from infotheory.models.specs import needed

__all__ = ["PRECISIONS", "TorchClassifier", "is_module", "torch_device"]

PRECISIONS = ("float32", "tf32", "bf16", "fp16")
_DEVICES = ("cuda", "mps", "cpu")
# What each library says where memory does not suffice, beside torch.OutOfMemoryError.
_MEMORY = ("out of memory", "can't allocate memory", "ALLOC_FAILED")


def is_module(thing: Any) -> bool:
    """Tell whether something is a torch module, without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


def torch_device(device: Any) -> Any:
    """Return the device of torch to compute on.

    Parameters
    ----------
    device : str or torch.device or None
        None for a GPU where there is one.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If there is none of that name on this machine.
    """
    torch = needed("torch", "a model of torch", "learning")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    there["cpu"] = True
    if device is None:
        return torch.device(next(name for name in _DEVICES if there[name]))
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError, ValueError):
        found = None
    if (
        found is None
        or not there.get(found.type, False)
        or (found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count())
    ):
        listed = ", ".join(repr(name) for name in _DEVICES if there[name])
        raise refusal(
            "device",
            f"None or a device of torch on this machine ({listed})",
            repr(device),
            "With several GPUs, 'cuda:1' is the second.",
        )
    return found


class TorchClassifier(Adapter):
    """A torch module as a classifier.

    The module computes in evaluation mode and without gradients, and is left in the mode in which
    it was. Where memory does not suffice for a batch, the batch is halved.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a batch; gives a tensor of shape (n, K), or something with that as its ``logits``.
    name : str
        What tables call it.
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What its outputs are.
    preprocess : callable or None, default None
        Prepares one sample: an array, a tensor, or a mapping of these to the names of arguments.
    device : str or torch.device or None, default None
        Where to; None leaves the module where it is.
    precision : {"float32", "tf32", "bf16", "fp16"}, default "float32"
        In which to compute. "float32" is exact float32 on GPUs too, whatever torch is set to, and
        needs weights of no less; "tf32" lets convolutions round their inputs to ten bits, as torch
        does unasked; "bf16" and "fp16" are automatic mixed precision.
    class_names : iterable of str or None, default None
        Names of the output symbols.
    n_outputs : int or None, default None
        Number of output symbols, if known.
    most : int or None, default None
        The largest batch that the module takes.

    Raises
    ------
    ValueError
        If the device or the precision is not known, the weights have less than it, or the names do
        not fit.
    """

    def __init__(
        self,
        module: Any,
        *,
        name: str,
        kind: str = "logits",
        preprocess: Callable[[Any], Any] | None = None,
        device: Any = None,
        precision: str = "float32",
        class_names: Any = None,
        n_outputs: int | None = None,
        most: int | None = None,
    ) -> None:
        fix = (
            "Pass preprocess=Preprocessing(...), or the tokenizer or image processor of a "
            "transformers model; the factory of a python: spec returns (module, preprocess)."
        )
        super().__init__(name, kind, preprocess or Features(fix), class_names, n_outputs)
        self._elsewhere = torch_device(device or "cpu")  # of a module without weights
        self.module = module if device is None else module.to(self._elsewhere)
        self.precision = self._checked_precision(precision)
        self._parts = list(module.modules())
        self._most = most

    def computing(self, device: Any, precision: str) -> TorchClassifier:
        """Return this classifier on another device, in another precision.

        Parameters
        ----------
        device : str or torch.device or None
            Where to bring the module, in place; None leaves it where it is.
        precision : {"float32", "tf32", "bf16", "fp16"}
            In which to compute. "float32", which is what nobody asks for, leaves it as it is.

        Returns
        -------
        TorchClassifier
            Another one of the same module, or this one where its precision stays.

        Raises
        ------
        ValueError
            If the device or the precision is not known.
        """
        if precision not in ("float32", self.precision):
            other = copy(self)
            other.precision = self._checked_precision(precision)
            return other.computing(device, precision)
        if device is not None:
            self._elsewhere = torch_device(device)
            self.module.to(self._elsewhere)
        return self

    def _checked_precision(self, precision: str) -> str:
        """Return the precision, if the weights have as much."""
        check_choice("precision", precision, PRECISIONS)
        weights = (tensor for tensor in self.module.parameters() if tensor.is_floating_point())
        least = min(weights, key=lambda tensor: tensor.dtype.itemsize, default=None)
        if precision in ("float32", "tf32") and least is not None and least.dtype.itemsize < 4:
            dtype = str(least.dtype).removeprefix("torch.")
            raise refusal(
                "precision",
                f"{'fp16' if dtype == 'float16' else 'bf16'!r} for weights of {dtype}",
                f"{precision!r} for model {self.name!r}",
                "Or make the weights float32: module.float().",
            )
        return precision

    def _floats(self) -> Iterator[Any]:
        tensors = chain(self.module.parameters(), self.module.buffers())
        return (tensor for tensor in tensors if tensor.is_floating_point())

    @property
    def _device(self) -> Any:
        """Where the module is now: its owner may move it."""
        return next((tensor.device for tensor in self._floats()), self._elsewhere)

    @property
    def _dtype(self) -> Any:
        return next((tensor.dtype for tensor in self._floats()), sys.modules["torch"].float32)

    def outputs(self, prepared: Sequence[Any]) -> Any:
        """Return the outputs of some prepared samples.

        Parameters
        ----------
        prepared : sequence
            What :meth:`prepare` has returned for them.

        Returns
        -------
        torch.Tensor
            Shape (n, K): of a CUDA device on it, and in the precision in which it was computed;
            else on the CPU, float32 or float64.

        Raises
        ------
        ValueError
            If these are no outputs of a classifier, or not even one sample fits into memory.
        """
        before, done, parts = self._most, 0, []
        while done < len(prepared):
            size = min(self._most or len(prepared), len(prepared) - done)
            part = self._attempt(prepared[done : done + size])
            if part is None:
                self._most = size // 2
                continue
            parts.append(part)
            done += size
        if self._most != before:
            warnings.warn(
                f"Memory of {self._device} does not suffice for batches of "
                f"{min(before or len(prepared), len(prepared))}: model {self.name!r} takes "
                f"{self._most} at a time from now on.",
                BatchHalvedWarning,
                stacklevel=2,
            )
        return parts[0] if len(parts) == 1 else sys.modules["torch"].cat(parts)

    def _attempt(self, prepared: Sequence[Any]) -> Any:
        """Return the outputs, or None where memory does not suffice for so many."""
        try:
            return self._forward(prepared)
        except RuntimeError as error:
            if not any(text.lower() in str(error).lower() for text in _MEMORY):
                raise
            if len(prepared) == 1:
                raise refusal(
                    f"model {self.name!r}",
                    f"small enough for the memory of {self._device}",
                    f"too little of it for one sample ({str(error).splitlines()[0]})",
                    "Use device='cpu', or precision='bf16'.",
                ) from error
        # The error has gone, and with it what its frames kept on the device.
        if self._device.type == "cuda":
            sys.modules["torch"].cuda.empty_cache()
        return None

    def _forward(self, prepared: Sequence[Any]) -> Any:
        with self._at_work():
            batch = self._sent(self.collate(prepared))
            given = self.module(**batch) if isinstance(batch, Mapping) else self.module(batch)
            outputs = self._checked(self._logits(given), len(prepared))
            if self._device.type == "cuda":
                return outputs
            outputs = outputs.cpu()
            return outputs.float() if outputs.dtype.itemsize < 4 else outputs

    def collate(self, prepared: Sequence[Any]) -> Any:
        """Make a batch of prepared samples: a tensor, or a mapping with tensors.

        Parameters
        ----------
        prepared : sequence
            What :meth:`prepare` has returned for them.

        Returns
        -------
        torch.Tensor or dict

        Raises
        ------
        ValueError
            If they differ in shape.
        """
        if isinstance(prepared[0], Mapping):
            return {key: self.collate([sample[key] for sample in prepared]) for key in prepared[0]}
        return sys.modules["torch"].from_numpy(stacked(prepared))

    def _sent(self, batch: Any) -> Any:
        """Bring a batch to the device, and its real numbers to the type of the weights."""
        if isinstance(batch, Mapping):
            return {key: self._sent(value) for key, value in batch.items()}
        dtype = self._dtype if batch.is_floating_point() else None
        return batch.to(device=self._device, dtype=dtype)

    def _logits(self, given: Any) -> Any:
        """Return the tensor of outputs out of what the module has given."""
        found = given.get("logits") if isinstance(given, Mapping) else given
        found = getattr(found, "logits", found)
        if not sys.modules["torch"].is_tensor(found):
            raise refusal(
                f"model {self.name!r}",
                "have a classification head: a tensor of outputs, or .logits",
                f"an output of type {type(given).__name__}",
                "Wrap the module in one that returns the logits alone.",
            )
        return found

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Evaluation mode, no gradients and the precision, for the while of a batch."""
        torch = sys.modules["torch"]
        training = [part for part in self._parts if part.training]
        with ExitStack() as stack:
            if training:
                self.module.eval()
                stack.callback(_set_training, training)
            stack.enter_context(torch.inference_mode())
            half = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self.precision)
            if half is not None:
                stack.enter_context(torch.autocast(self._device.type, dtype=half))
            else:
                stack.enter_context(_exact(but_convolutions=self.precision == "tf32"))
            yield

    def fingerprint(self) -> str:
        """Return a name for weights, structure, preprocessing and precision.

        Returns
        -------
        str
            SHA-256 over the class and the plain attributes of each part, the configuration, and
            all parameters and buffers; of classes of the user their code too.
        """
        return self._identity(self.precision, self.module)


def _set_training(parts: Sequence[Any]) -> None:
    for part in parts:
        part.training = True


@contextmanager
def _exact(*, but_convolutions: bool) -> Iterator[None]:
    """Let no product round its float32 factors, but those of convolutions on CUDA if so asked."""
    torch = sys.modules["torch"]
    cudnn, matmul, cpu = torch.backends.cudnn, torch.backends.cuda.matmul, torch.backends.mkldnn
    settings: dict[Any, str] = {}
    if hasattr(cudnn, "conv"):  # since torch 2.9 there is one for each kind of layer
        settings = dict.fromkeys((matmul, cpu.matmul, cpu.conv, cpu.rnn), "ieee")
        settings |= dict.fromkeys((cudnn.conv, cudnn.rnn), "tf32" if but_convolutions else "ieee")
    with ExitStack() as stack:
        for place in settings:  # set back last, whatever the older ones below do to them
            stack.callback(setattr, place, "fp32_precision", place.fp32_precision)
        with suppress(RuntimeError):  # that cannot be told where a layer differs from the others
            stack.enter_context(replaced(cudnn, "allow_tf32", but_convolutions))
        with suppress(RuntimeError):
            stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("highest")
        for place, value in settings.items():
            place.fp32_precision = value
        yield

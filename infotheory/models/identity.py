"""By what a model is known again in a later run: a hash of all that decides its outputs."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import chain
from types import CodeType
from typing import Any

import numpy as np

__all__ = ["take_in"]

_BLOCK = 1 << 22  # numbers of a tensor that are copied from its device and hashed together
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)
_SETTINGS = (*_PLAIN, list, tuple, Enum, np.ndarray)  # attributes of a torch module that count
# Whether two of these are one object is the compiler's choice.
_CONSTANT = (tuple, frozenset, CodeType)
# Where something was loaded from, with which version, and whether it was being trained.
_PASSED_OVER = frozenset({"training", "name_or_path", "transformers_version"})


def take_in(digest: Any, thing: Any) -> None:
    """Let a hash take in what something is made of, the same in each process.

    Parameters
    ----------
    digest : hashlib object
        The hash.
    thing : object
        Numbers, texts, arrays and tensors count with their content; containers, objects, torch and
        Keras models with all that is in them; functions with their code and what they have
        closed over. What only the code of a class decides is not seen, nor what a function finds
        in its module.
    """
    _Walk(digest).take(thing)


class _Walk:
    def __init__(self, digest: Any) -> None:
        self._digest = digest
        self._seen: dict[int, tuple[int, Any]] = {}  # kept alive, or a number might come again

    def _text(self, text: str) -> None:
        self._digest.update(f"{len(text)}:{text}\n".encode())

    def take(self, thing: Any) -> None:
        if isinstance(thing, _PLAIN):
            self._text(f"{type(thing).__name__} {thing!r}")
            return
        if not isinstance(thing, _CONSTANT):
            if id(thing) in self._seen:
                self._text(f"again {self._seen[id(thing)][0]}")
                return
            self._seen[id(thing)] = (len(self._seen), thing)
        if isinstance(thing, type):
            self._text(f"{thing.__module__}.{thing.__qualname__}")
            return
        self._text(f"{type(thing).__module__}.{type(thing).__qualname__}")
        self._content(thing)

    def _content(self, thing: Any) -> None:
        takers: tuple[tuple[Any, Callable[[Any], None]], ...] = (
            (np.ndarray, self._array),
            (CodeType, self._code),
            (functools.partial, lambda found: self.take([found.func, found.args, found.keywords])),
            (Mapping, self._items),
            ((list, tuple), self._sequence),
            ((set, frozenset), lambda found: self._text(repr(sorted(map(repr, found))))),
        )
        for types, take in takers:
            if isinstance(thing, types):
                take(thing)
                return
        if inspect.isroutine(thing):
            self._routine(thing)
        elif callable(getattr(thing, "detach", None)):
            self._tensor(thing)
        elif callable(getattr(thing, "named_parameters", None)):
            self._module(thing)
        elif callable(getattr(thing, "get_weights", None)):  # Keras
            self.take(thing.get_weights())
        else:
            self._object(thing)

    def _sequence(self, things: Sequence[Any]) -> None:
        self._text(str(len(things)))
        for thing in things:
            self.take(thing)

    def _items(self, items: Mapping[Any, Any]) -> None:
        for key in sorted(items, key=repr):
            if key not in _PASSED_OVER:
                self._text(repr(key))
                self.take(items[key])

    def _array(self, array: Any) -> None:
        self._text(f"{array.dtype.str} {array.shape}")
        if array.dtype.hasobject:
            self.take(array.tolist())
        else:
            self._digest.update(np.ascontiguousarray(array).data)

    def _tensor(self, tensor: Any) -> None:
        import torch

        self._text(f"{tensor.dtype} {tuple(tensor.shape)}")
        flat = tensor.detach().reshape(-1)
        for start in range(0, flat.numel(), _BLOCK):
            block = flat[start : start + _BLOCK].contiguous().view(torch.uint8).cpu()
            self._digest.update(block.numpy().data)

    def _routine(self, routine: Any) -> None:
        self._text(f"{routine.__module__}.{routine.__qualname__}")
        owner = getattr(routine, "__self__", None)
        if owner is not None and not inspect.ismodule(owner):
            self.take(owner)
        if inspect.isfunction(routine):
            self._code(routine.__code__)
            self.take(routine.__defaults__)
            for cell in routine.__closure__ or ():
                self.take(cell.cell_contents)
        elif inspect.ismethod(routine):
            self.take(routine.__func__)

    def _code(self, code: CodeType) -> None:
        """Take in what a function does, wherever it is written; a new Python may change this."""
        self._digest.update(code.co_code)
        self.take(code.co_names)
        self.take(code.co_consts)

    def _module(self, module: Any) -> None:
        """Take in a torch module: what its parts are and are set to, and all their tensors."""
        for name, part in module.named_modules():
            self._text(f"{name} {type(part).__module__}.{type(part).__qualname__}")
            for key, value in sorted(vars(part).items()):
                told = isinstance(value, _SETTINGS) or callable(getattr(value, "detach", None))
                if told and not key.startswith("_") and key not in _PASSED_OVER:
                    self._text(key)
                    self.take(value)
        config: Any = getattr(module, "config", None)
        if callable(getattr(config, "to_dict", None)):
            settings = config.to_dict()
            self._items({k: v for k, v in settings.items() if not str(k).startswith("_")})
        for name, tensor in chain(module.named_parameters(), module.named_buffers()):
            self._text(name)
            self._tensor(tensor)

    def _object(self, thing: Any) -> None:
        if hasattr(thing, "__dict__"):
            self._items(vars(thing))
            return
        try:
            # What pickle would ask of it: of compiled types, such as trees, their arrays.
            _, *state = thing.__reduce_ex__(2)
        except (TypeError, ValueError):
            self._text(re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing)))
            return
        self.take([part for part in state[:2] if not callable(part)])

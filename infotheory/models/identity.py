"""By what a model is known again in a later run: a hash of all that decides its outputs."""

from __future__ import annotations

import copyreg
import dis
import functools
import inspect
import io
import logging
import os
import sys
import sysconfig
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from itertools import chain
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from infotheory._validation import refusal

__all__ = ["take_in"]

_BLOCK = 1 << 22  # numbers of a tensor that are copied from its device and hashed together
_PLAIN = (bool, int, float, complex, str, bytes, type(None), np.generic)
_SETTINGS = (*_PLAIN, list, tuple, Enum, np.ndarray)  # attributes of a torch module that count
# Whether two of these are one object is the compiler's choice.
_CONSTANT = (tuple, frozenset, CodeType)
# What decides no output: whatever they hold is passed over.
_IDLE = (
    io.TextIOWrapper,
    io.BufferedReader,
    io.BufferedWriter,
    logging.Logger,
    weakref.ref,
    *map(type, (threading.Lock(), threading.RLock())),
)
# Code in these folders has a version, and is known by its name.
_INSTALLED = (
    *(f"{sysconfig.get_path(name)}{os.sep}" for name in ("stdlib", "platstdlib", "purelib")),
    f"{Path(__file__).parents[1]}{os.sep}",
    "<frozen ",
)
_PACKAGES = frozenset({"site-packages", "dist-packages"})
# Where something was loaded from, with which version, and whether it was being trained.
_PASSED_OVER = frozenset({"training", "name_or_path", "transformers_version"})


def take_in(digest: Any, thing: Any) -> None:
    """Let a hash take in what something is made of, the same in each process.

    Parameters
    ----------
    digest : hashlib object
        The hash.
    thing : object
        Numbers, texts, images, arrays and tensors count with their content; containers, objects,
        torch and Keras models with all that is in them; functions with their code and what they
        have closed over. Of functions and classes of the user, which belong to no installed
        package, what they find in their module counts too. What is read from a file is not seen.

    Raises
    ------
    ValueError
        If there is something whose content cannot be seen.
    """
    _Walk(digest).take(thing)


class _Walk:
    def __init__(self, digest: Any) -> None:
        self._digest = digest
        self._seen: dict[int, tuple[int, Any]] = {}  # kept alive, or a number might come again
        self._classes: set[type] = set()

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
            self._class(thing)
            return
        self._class(type(thing))
        self._content(thing)

    def _content(self, thing: Any) -> None:
        takers: tuple[tuple[Any, Callable[[Any], None]], ...] = (
            (np.ndarray, self._array),
            (CodeType, self._code),
            (ModuleType, lambda found: self._text(found.__name__)),
            (_IDLE, lambda _: None),
            (property, lambda found: self.take(found.fget)),
            (functools.cached_property, lambda found: self.take(found.func)),
            ((staticmethod, classmethod), lambda found: self.take(found.__func__)),
            (functools.partial, lambda found: self.take([found.func, found.args, found.keywords])),
            (Mapping, self._items),
            ((list, tuple), self._sequence),
            ((set, frozenset), lambda found: self._text(repr(sorted(map(repr, found))))),
        )
        for types, take in takers:
            if isinstance(thing, types):
                take(thing)
                return
        if not (inspect.isfunction(thing) or inspect.ismethod(thing)):
            # What numba or JAX has compiled, or has a cache around it.
            plain = getattr(thing, "py_func", getattr(thing, "__wrapped__", None))
            if inspect.isfunction(plain):
                self.take(plain)
                return
        if inspect.isroutine(thing) and hasattr(thing, "__qualname__"):
            self._routine(thing)
        elif callable(getattr(thing, "getbands", None)):
            self.take([thing.mode, thing.size, thing.getpalette(), thing.tobytes()])
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
        self._text(f"{getattr(routine, '__module__', '')}.{routine.__qualname__}")
        owner = getattr(routine, "__self__", None)
        if owner is not None and not inspect.ismodule(owner):
            self.take(owner)
        if inspect.isfunction(routine):
            self._code(routine.__code__)
            self.take((routine.__defaults__, routine.__kwdefaults__))
            for cell in routine.__closure__ or ():
                self.take(cell.cell_contents)
            if not _is_installed(routine.__code__.co_filename):
                for name in sorted(_asked(routine.__code__) & {*routine.__globals__}):
                    self._text(name)
                    self.take(routine.__globals__[name])
        elif inspect.ismethod(routine):
            self.take(routine.__func__)

    def _code(self, code: CodeType) -> None:
        """Take in what a function does, wherever it is written; a new Python may change this."""
        self._digest.update(code.co_code)
        self.take(code.co_names)
        self.take(code.co_consts)

    def _class(self, kind: type) -> None:
        """Take in what a class is called, and what one of the user's has."""
        self._text(f"{kind.__module__}.{kind.__qualname__}")
        if kind in self._classes:
            return
        self._classes.add(kind)
        for base in kind.__mro__:
            if _is_users(base.__module__):
                self._items(
                    {name: part for name, part in vars(base).items() if _counts(name, part)}
                )

    def _module(self, module: Any) -> None:
        """Take in a torch module: what its parts are and are set to, and all their tensors."""
        for name, part in module.named_modules():
            self._text(name)
            self._class(type(part))
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
            self._items({k: v for k, v in vars(thing).items() if not _is_cached(thing, k)})
            return
        try:
            # What pickle would ask of it: of compiled types, such as trees, their arrays.
            reduced = copyreg.dispatch_table.get(type(thing))
            state = thing.__reduce_ex__(2) if reduced is None else reduced(thing)
        except (TypeError, ValueError) as error:
            kind = type(thing)
            raise refusal(
                "save_state",
                "left out where it cannot be seen whether a model or data have changed",
                f"an object of type {kind.__module__}.{kind.__qualname__}, whose content is hidden",
                "Or open the model by its file, or give it a fingerprint() of its own.",
            ) from error
        named = isinstance(state, str)
        self.take(state if named else [part for part in state[1:3] if not callable(part)])


def _counts(name: str, part: Any) -> bool:
    """Tell whether something in a class is the user's, and not what Python has put there."""
    if inspect.isdatadescriptor(part):
        return isinstance(part, property)
    return inspect.isroutine(part) or not name.startswith(("__", "_abc_"))


def _is_users(module: str) -> bool:
    """Tell whether a module is the user's: run, imported from elsewhere, or no longer there."""
    if module == "__main__" or module not in sys.modules:
        return True
    file = getattr(sys.modules[module], "__file__", None)
    return file is not None and not _is_installed(file)


def _is_installed(file: str) -> bool:
    """Tell whether code is of the standard library, of this package or of another installed one."""
    return file.startswith(_INSTALLED) or not _PACKAGES.isdisjoint(Path(file).parts)


def _asked(code: CodeType) -> set[str]:
    """Return the names that code looks for in its module, those of where it is left out."""
    return {
        step.argval
        for part in _parts(code)
        for step in dis.get_instructions(part)
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and not str(step.argval).startswith("__")
    }


def _parts(code: CodeType) -> Iterator[CodeType]:
    """Yield code and all code in it, such as that of inner functions."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def _is_cached(thing: Any, name: str) -> bool:
    """Tell whether an attribute follows from the others, and is there only once it was asked."""
    found = inspect.getattr_static(type(thing), name, None)
    return isinstance(found, functools.cached_property)

"""Loading by name through other libraries: without the network, and without unpickling."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from infotheory._validation import refusal

__all__ = ["kept_offline", "loaded", "reason", "replaced"]


@contextmanager
def replaced(thing: Any, name: str, value: Any) -> Iterator[None]:
    """Give an attribute another value for a while."""
    before = getattr(thing, name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        setattr(thing, name, before)


@contextmanager
def kept_offline(download: bool) -> Iterator[None]:
    """Let the libraries of pretrained models use what is on this machine, and nothing else.

    Switches of the libraries are set for this while, in all threads, and set back.

    Parameters
    ----------
    download : bool
        Whether the network may be used after all.
    """
    with ExitStack() as stack:
        if not download:
            for module, name, value in (
                ("huggingface_hub.constants", "HF_HUB_OFFLINE", True),
                ("torch.hub", "urlopen", _no_network),
            ):
                try:
                    stack.enter_context(replaced(import_module(module), name, value))
                except ImportError:  # then nothing uses it
                    continue
            stack.callback(_forget_sessions)
            _forget_sessions()
        yield


def _no_network(*_: Any, **__: Any) -> Any:
    raise ConnectionError("the network is not used")


def _forget_sessions() -> None:
    """Close connections: before its version 1, the hub's library tied the switch to them."""
    try:
        utils = import_module("huggingface_hub.utils")
    except ImportError:
        return
    getattr(utils, "reset_sessions", lambda: None)()


def loaded(load: Callable[[], Any], name: str, download: bool) -> Any:
    """Return what a library loads, by name or from a directory, and refuse what it cannot load.

    Parameters
    ----------
    load : callable
        Does it; torch's files are read by it with ``weights_only``, whatever it asks for.
    name : str
        How the user named it.
    download : bool
        Whether the network may be used.

    Returns
    -------
    object

    Raises
    ------
    ValueError
        If that fails.
    """
    with kept_offline(download), _only_tensors():
        try:
            return load()
        except Exception as error:
            there = Path(name.removeprefix("local-dir:")).expanduser().is_dir()
            fact = f"{name!r} ({reason(error)})"
            if "trust_remote_code" in str(error):
                raise refusal(
                    "model",
                    "one whose code is that of its library",
                    f"{name!r}, which brings its own",
                    "Code that comes with a model is never run; where you trust it, load the model "
                    "yourself in a function and name that: python:FILE.py:factory.",
                ) from error
            if there or download:
                raise refusal(
                    "model",
                    "one that its library can load",
                    fact,
                    "Save the model once more, with all that belongs to it."
                    if there
                    else "Check the name, and the connection.",
                ) from error
            raise refusal(
                "model",
                "on this machine, since nothing is downloaded unasked",
                f"{name!r}, which is not ({reason(error)})",
                "Pass download=True (--download), or a file or directory that holds it.",
            ) from error


@contextmanager
def _only_tensors() -> Iterator[None]:
    """Let torch.load read tensors and plain containers alone, whatever its caller asks for."""
    names = ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ[names[1]] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def reason(error: BaseException) -> str:
    """Return the kind of an error and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}".rstrip(".")

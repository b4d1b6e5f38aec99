"""Models that a function of the user makes, and functions as models."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from infotheory._validation import refusal
from infotheory.models.adapter import Adapter, stacked
from infotheory.models.preprocessing import FeaturesOrTexts
from infotheory.models.samples import is_text
from infotheory.models.specs import Spec

__all__ = ["FunctionClassifier", "call_factory"]


def call_factory(spec: Spec) -> Any:
    """Import what ``python:module:factory`` or ``python:FILE.py:factory`` names, and call it.

    Parameters
    ----------
    spec : Spec
        What the user wrote. A module is looked for in the current folder too, and a file may
        import what lies beside it, as when it is run.

    Returns
    -------
    object
        What the factory returns when it is called without arguments.

    Raises
    ------
    ValueError
        If there is no such module, file or function.

    Notes
    -----
    This runs the user's code; what goes wrong in it is raised as it is.
    """
    place, _, name = spec.place.rpartition(":")
    if not place or not name:
        raise refusal(
            spec.argument,
            "of the form python:module:factory or python:FILE.py:factory",
            repr(spec.text),
            "The factory is called without arguments.",
        )
    is_file = place.endswith(".py") or "/" in place
    path = Path(place).expanduser()
    if is_file and not path.is_file():
        raise refusal(spec.argument, "an existing file", f"{place!r} (no such file)")
    with _findable(path.resolve().parent if is_file else Path.cwd()):
        module = _of_file(path.resolve()) if is_file else _of_name(spec, place)
        factory = getattr(module, name, None)
        if not callable(factory):
            there = [
                key for key, value in vars(module).items() if callable(value) and key[0] != "_"
            ]
            raise refusal(
                spec.argument,
                f"a function of {place}",
                repr(name),
                f"It has {', '.join(sorted(there)[:10]) or 'none'}.",
            )
        return factory()


@contextmanager
def _findable(folder: Path) -> Iterator[None]:
    """Let modules of a folder be imported for a while."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _of_file(path: Path) -> ModuleType:
    """Run a file as a module, anew each time: it may have been edited."""
    spec = importlib.util.spec_from_file_location(f"infotheory_user_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for their module there
    spec.loader.exec_module(module)
    return module


def _of_name(spec: Spec, name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise  # it is there, and needs another one that is not
        raise refusal(
            spec.argument,
            "a module that can be imported",
            f"{name!r} ({error})",
            "Name its file instead: python:path/to/file.py:factory.",
        ) from error


class FunctionClassifier(Adapter):
    """A function of a batch as a classifier, such as the ``predict`` of a Keras model.

    Parameters
    ----------
    function : callable
        Takes an array with a sample a row (of texts a list); returns an array or a tensor of shape
        (n, K).
    name : str
        What tables call it.
    kind : {"logits", "probs", "log_probs"}, default "logits"
        What it returns.
    preprocess : callable or None, default None
        Prepares one sample; None for features and texts only.
    class_names : iterable of str or None, default None
        Names of the outputs.
    """

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        name: str,
        kind: str = "logits",
        preprocess: Callable[[Any], Any] | None = None,
        class_names: Any = None,
    ) -> None:
        fix = "Pass preprocess=Preprocessing(...), which makes an array of an image."
        super().__init__(name, kind, preprocess or FeaturesOrTexts(fix), class_names)
        self.function = function

    def outputs(self, prepared: Sequence[Any]) -> Any:
        """Return the outputs of some prepared samples.

        Parameters
        ----------
        prepared : sequence
            What :meth:`prepare` has returned for them.

        Returns
        -------
        ndarray or tensor, shape (n, K)

        Raises
        ------
        ValueError
            If the function returns something else.
        """
        text = is_text(prepared[0])
        outputs = self.function(list(prepared) if text else stacked(prepared))
        if not callable(getattr(outputs, "detach", None)):
            outputs = np.asarray(outputs)
        return self._checked(outputs, len(prepared))

    def fingerprint(self) -> str:
        """Return a name for the function: its code, and what it works with or belongs to.

        Returns
        -------
        str
            SHA-256. What the function finds in its module counts too, where that is the user's;
            what it finds in a file is not seen.
        """
        return self._identity(self.function)

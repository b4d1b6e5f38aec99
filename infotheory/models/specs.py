"""Names of models and data sets as text: ``scheme:place?option=value&option=value``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from urllib.parse import unquote

from infotheory._validation import refusal

__all__ = ["Spec", "needed", "parse_spec"]


@dataclass
class Spec:
    """What a text names.

    Attributes
    ----------
    argument : str
        What a refusal calls it.
    text : str
        All of it.
    scheme, place : str
        What is before the first colon, and what is behind it, without the options.
    options : dict of str to str
        What is behind the question mark; :meth:`take` takes one out.
    """

    argument: str
    text: str
    scheme: str
    place: str
    options: dict[str, str]
    _known: list[str] = field(default_factory=list)

    def take(self, name: str, default: str | None = None) -> str | None:
        """Return the value of an option."""
        self._known.append(name)
        return self.options.pop(name, default)

    def finish(self) -> None:
        """Refuse options that nobody has taken.

        Raises
        ------
        ValueError
            If there is one.
        """
        for name in self.options:
            known = ", ".join(self._known) or "none"
            raise refusal(
                self.argument,
                f"without options that {self.scheme}: does not have",
                f"{name!r} in {self.text!r}",
                f"Options of {self.scheme}: are {known}.",
            )


def parse_spec(argument: str, text: str, forms: Mapping[str, str]) -> Spec:
    """Take a text apart.

    Parameters
    ----------
    argument : str
        What a refusal calls it.
    text : str
        ``scheme:place``, with options behind a question mark.
    forms : mapping of str to str
        How the text of each known scheme looks.

    Returns
    -------
    Spec

    Raises
    ------
    ValueError
        If the scheme is not known, the place is missing, or options are not of the form
        ``name=value``.
    """
    scheme, colon, rest = text.partition(":")
    if not colon or scheme not in forms:
        listed = ", ".join(forms.values())
        raise refusal(argument, f"one of {listed}", repr(text))
    place, mark, query = rest.partition("?")
    if not place:
        raise refusal(argument, forms[scheme], repr(text))
    options = {}
    for part in query.split("&") if mark else ():
        name, equals, value = part.partition("=")
        if not (name and equals):
            raise refusal(argument, "options of the form name=value&name=value", repr(query))
        options[name] = unquote(value)  # %26 for an ampersand
    return Spec(argument, text, scheme, place, options)


def needed(module: str, what: str, extra: str) -> ModuleType:
    """Import a package that only some users have.

    Parameters
    ----------
    module : str
        Its name.
    what : str
        What needs it.
    extra : str
        The extra of this package that brings it.

    Raises
    ------
    ImportError
        If it is not there, or does not import; the text says how to install it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        top: Sequence[str] = module.split(".")
        raise ImportError(
            f"{what} needs {top[0]}, which cannot be imported ({error}). "
            f"Install it: pip install 'infotheory-toolkit[{extra}]'."
        ) from error

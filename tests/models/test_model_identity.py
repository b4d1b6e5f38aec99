"""What a hash of a model sees, and that it is the same in each process."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infotheory.models.identity import take_in


def name(thing: Any) -> str:
    digest = hashlib.sha256()
    take_in(digest, thing)
    return digest.hexdigest()


class Thing:
    def __init__(self, **values: Any) -> None:
        self.__dict__ |= values

    def method(self) -> Any:
        return self


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def defaulted(x: int, factor: int = 2) -> int:
    return x * factor


def closed(value: Any) -> Any:
    return lambda: value


ARRAY = np.arange(6.0).reshape(2, 3)

DIFFERENT: list[Any] = [
    0, 1, 1.0, True, "1", b"1", None, (), [], {}, (1,), [1], {"a", "b", "c"}, {2}, [[1], 2],
    [1, [2]],
    {"a": 1, "b": 2}, {"a": 2, "b": 1}, {"ab": 12}, ["ab", "c"], ["a", "bc"],
    ARRAY, ARRAY.T, ARRAY.astype(np.float32), ARRAY + 1e-15, ARRAY.ravel(),
    np.array(["a", None], dtype=object), np.array(["b", None], dtype=object),
    np.float64(1), np.int64(1), Thing(), Thing(a=1), Thing(a=2), Thing(b=1), Thing(a=Thing(a=1)),
    Slotted(1), Slotted(2), Thing(a=1).method, Thing(a=2).method, int, float, len, max, defaulted,
    closed(1), closed(2), closed(ARRAY), closed(ARRAY + 1), functools.partial(max, 1),
    functools.partial(max, 2), functools.partial(min, 1), lambda x: x, lambda x: x + 1,
]  # fmt: skip


def test_different_things_have_different_names() -> None:
    found: dict[str, Any] = {}
    for thing in DIFFERENT:
        assert name(thing) not in found, (thing, found[name(thing)])
        found[name(thing)] = thing


def test_equal_things_have_the_same_name() -> None:
    assert name({"a": 1, "b": ARRAY}) == name({"b": ARRAY.copy(order="F"), "a": 1})
    assert name({3, 1, "x"}) == name({"x", 3, 1})
    assert name(Thing(a=1, b=[2])) == name(Thing(b=[2], a=1))
    assert name(Slotted(ARRAY)) == name(Slotted(ARRAY.copy()))
    assert name(closed(Thing(a=1))) == name(closed(Thing(a=1)))
    assert name([object(), object()]) == name([object(), object()])
    assert name(threading.Lock()) == name(threading.Lock())
    # Where it was loaded from, and that it was trained, is nothing of it.
    assert name(Thing(training=True, name_or_path="x")) == name(Thing())


def test_settings_of_a_module_count_also_in_lists_and_tensors() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")

    def module(**settings: Any) -> Any:
        found = torch.nn.Identity()
        found.__dict__ |= settings
        return found

    settings: list[dict[str, Any]] = [
        {}, {"size": [224]}, {"size": [256]}, {"size": (256, 1)}, {"mean": torch.zeros(2)},
        {"mean": torch.ones(2)}, {"mean": np.ones(2)}, {"how": Path.cwd}, {"how": "box"},
    ]  # fmt: skip
    names = {name(module(**one)) for one in settings}
    assert len(names) == len(settings) - 1  # of functions nothing is seen


def test_things_that_hold_themselves_come_to_an_end() -> None:
    def around(value: int) -> Any:
        thing = Thing(value=value)
        thing.self = [thing]
        return thing

    assert name(around(1)) == name(around(1)) != name(around(2))


def test_keras_models_are_known_by_their_weights() -> None:
    class Model:
        def __init__(self, weights: Any) -> None:
            self.weights = weights

        def get_weights(self) -> Any:
            return self.weights

        def predict(self, x: Any) -> Any:
            return x

    one, again, other = (name(Model([ARRAY + k]).predict) for k in (0, 0, 1))
    assert one == again != other


def test_functions_without_a_file() -> None:
    def typed(code: str) -> Any:
        names: dict[str, Any] = {}
        exec(code, names)  # noqa: S102
        return names["f"]

    one, again = (typed("def f(x): return x.sum()") for _ in range(2))
    assert name(one) == name(again)
    assert name(one) != name(typed("def f(x): return x.mean()"))
    assert name(one) != name(typed("def f(x): return -x.sum()"))
    assert name(typed("def f(x): return 2 * x")) != name(typed("def f(x): return 3 * x"))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_name_is_the_same_in_each_process(seed: str) -> None:
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "from models.test_model_identity import DIFFERENT, name\n"
        "print(*map(name, DIFFERENT))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent.parent)],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    )
    # This module is imported under another name there, which is part of those of its own.
    ours = [name(thing) for thing in DIFFERENT if "test_model_identity" not in str(_home(thing))]
    assert set(ours) <= set(done.stdout.split())
    assert len(ours) > 30


def _home(thing: Any) -> Any:
    owner = getattr(thing, "__self__", thing)
    return getattr(owner, "__module__", "") if not isinstance(owner, (int, str)) else ""

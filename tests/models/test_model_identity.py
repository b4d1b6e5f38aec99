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
from infotheory.models.preprocessing import Preprocessing


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


# ---------------------------------------------------- what functions and classes find around them


def typed(code: str, name: str = "f", **around: Any) -> Any:
    """What code of the user defines."""
    names: dict[str, Any] = {"__name__": "users", **around}
    exec(code, names)  # noqa: S102
    return names[name]


@pytest.mark.parametrize(
    "code",
    [
        "def f(x): return x @ W",
        "f = lambda x: [(lambda row: row @ W)(row) for row in x]",
        "def g(x): return x @ W\ndef f(x): return g(x)",
        "import functools\n@functools.cache\ndef g(x): return x @ W\ndef f(x): return g(x)",
        "class Net:\n    def __call__(self, x): return x @ W\nnet = Net()\ndef f(x): return net(x)",
        "class Net:\n    w = W\n    @staticmethod\n    def f(x): return x @ Net.w\nf = Net.f",
    ],
)
def test_what_a_function_finds_in_its_module_counts(code: str) -> None:
    """Retrained weights in a module are another model."""
    one, again, other = (typed(code, W=ARRAY + k) for k in (0, 0, 1))
    assert name(one) == name(again) != name(other)
    assert name(typed(code, W=ARRAY, unused=1, W2=2)) == name(one)


def test_classes_of_the_user_count_with_their_code(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from functools import cached_property\n"
        "class Base:\n    def half(self, x): return x / 2\n"
        "class Net(Base):\n    __slots__ = ('a',)\n    size = 3\n"
        "    @property\n    def twice(self): return 2 * self.size\n"
        "    @classmethod\n    def made(cls): return cls()\n"
        "    @cached_property\n    def slow(self): return 7\n"
        "    def __call__(self, x): return x\n"
    )
    changes = [
        ("x / 2", "x / 4"), ("size = 3", "size = 4"), ("2 *", "3 *"), ("cls()", "cls"), ("7", "8"),
        ("return x\n", "return -x\n"), ("self, x): return x\n", "self, x, *, k=1): return x\n"),
        ("", ""), ("    size", "\n    size"),
    ]  # fmt: skip

    def named(code: str) -> str:
        monkeypatch.setitem(sys.modules, "users", type(sys)("users"))
        sys.modules["users"].__file__ = "/home/user/users.py"
        return name(typed(code, "Net")())

    names = [named(code.replace(*change)) for change in changes]
    assert len(set(names)) == len(names) - 1
    assert names[-1] == names[-2] == named(code)  # a line more is no change


def test_a_default_by_name_counts() -> None:
    assert name(typed("def f(x, *, k=1): return k")) != name(typed("def f(x, *, k=2): return k"))


def test_code_that_is_installed_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it finds around it may be a cache, and would take in all of its package."""
    code = compile("def f(x): return x @ W", "/venv/lib/site-packages/net.py", "exec")
    one, other = (typed(code, W=value) for value in (1, 2))  # type: ignore[arg-type]
    assert name(one) == name(other)


def test_what_decides_no_output_is_passed_over(tmp_path: Path) -> None:
    import logging

    code = "def f(x):\n    LOG.info('x')\n    return json, x, FILE, __file__"
    with (tmp_path / "one").open("w") as first, (tmp_path / "two").open("w") as second:
        one = typed(code, LOG=logging.getLogger("a"), FILE=first, json=os, __file__="1")
        two = typed(code, LOG=logging.getLogger("b"), FILE=second, json=os, __file__="2")
        assert name(one) == name(two)


def test_what_follows_from_the_rest_is_passed_over() -> None:
    """And it is there only once the model has been used."""
    first, second = Preprocessing(mean=0.5), Preprocessing(mean=0.5)
    first(np.zeros((3, 3, 3), dtype=np.uint8))
    assert vars(first).keys() != vars(second).keys()
    assert name(first) == name(second) != name(Preprocessing(mean=0.25))


def test_images_count_with_their_pixels() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    grey = image.new("L", (3, 2), 7)
    other = grey.copy()
    other.putpixel((2, 1), 8)
    indexed = grey.convert("P")
    recoloured = indexed.copy()
    recoloured.putpalette([1, 2, 3])
    names = {name(one) for one in (grey, other, grey.resize((2, 3)), indexed, recoloured)}
    assert len(names) == 5
    assert name(grey) == name(grey.copy())


def test_compiled_patterns_count() -> None:
    import re

    assert name(re.compile("a")) == name(re.compile("a")) != name(re.compile("b"))
    assert name(re.compile("a")) != name(re.compile("a", re.IGNORECASE))


def test_functions_that_numba_compiles_count_with_their_code() -> None:
    from numba import njit

    one, again, other = (njit(typed(f"def f(x): return x * {k}")) for k in (2, 2, 3))
    assert name(one) == name(again) != name(other)
    assert one(4) == 8
    assert name(one) == name(again)  # compiled or not


def test_types_that_are_only_a_name_count_by_it() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert name(torch.float32) == name(torch.float32) != name(torch.float64)


def test_content_that_cannot_be_seen_is_refused() -> None:
    hidden = (x for x in "abc")
    text = (
        "save_state must be left out where it cannot be seen whether a model or data have changed; "
        "got an object of type builtins.generator, whose content is hidden. Or open the model by"
    )
    with pytest.raises(ValueError, match=text):
        name(typed("def f(x): return next(SOURCE)", SOURCE=hidden))

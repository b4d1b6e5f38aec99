"""Classes of a data set find the outputs of a model."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.models.datasets import as_dataset
from infotheory.models.label_names import align

PETS = ("cat", "dog", "guinea pig", "tench, Tinca tinca")


def samples(labels: Any, names: Any = None) -> Any:
    labels = list(labels)
    return as_dataset(np.zeros((len(labels), 1)), labels, class_names=names, name="pets")


def model(names: Any = None, k: int | None = None) -> Any:
    names = None if names is None else tuple(names)
    return SimpleNamespace(
        name="net", class_names=names, n_outputs=k if names is None else len(names)
    )


def test_the_same_order_is_left_alone() -> None:
    found = align(samples([3, 0, 1, 2], PETS), model(PETS))
    assert found.labels.tolist() == [3, 0, 1, 2]
    assert found.n_classes == 4
    assert found.class_names == PETS
    assert found.notes == ()


@pytest.mark.parametrize(
    ("names", "symbols"),
    [
        (("Guinea_Pig", " DOG"), ("guinea-pig", "dog ")),
        (("guinea  pig", "dog"), ("Guinea Pig", "Dog")),
        (("STRASSE", "x"), ("straße", "X")),
        (("tench", "goldfish"), ("tench, Tinca tinca", "goldfish, Carassius auratus")),
        (("Carassius auratus, goldfish", "b"), ("goldfish, Carassius auratus", "b")),
        (("crane", "x", "crane"), ("crane", "x", "crane")),  # as two classes of ImageNet
    ],
)
def test_ways_of_writing_make_no_difference(names: Any, symbols: Any) -> None:
    labels = list(range(len(names)))
    found = align(samples(labels, names), model(symbols))
    assert found.labels.tolist() == labels
    assert found.notes == ()
    assert found.class_names == symbols


@given(st.permutations(range(6)), st.lists(st.integers(0, 5), min_size=1, max_size=20))
def test_another_order_is_renumbered_by_name(order: list[int], labels: list[int]) -> None:
    names = ["a", "b", "c", "d", "e", "f"]
    symbols = [names[place] for place in order]
    found = align(samples(labels, names), model(symbols))
    assert found.n_classes == 6
    assert [symbols[label] for label in found.labels] == [names[label] for label in labels]
    moved = [label for label in labels if symbols[label] != names[label]]
    assert any("renumbered" in note for note in found.notes) == bool(moved)


def test_the_note_shows_an_example() -> None:
    found = align(samples([0, 1, 2], ("a", "b", "c")), model(("a", "c", "b")))
    assert found.notes == ("labels renumbered: class 'b' of pets is number 1 there and 2 in net",)


def test_a_part_of_the_classes_keeps_all_outputs() -> None:
    found = align(samples([0, 1, 1], ("Tinca tinca", "cat")), model(PETS))
    assert found.labels.tolist() == [3, 0, 0]
    assert found.n_classes == 4
    assert found.notes == (
        "labels renumbered: class 'Tinca tinca' of pets is number 0 there and 3 in net",
        "pets has samples of 2 of the 4 classes of net",
    )


def test_a_whole_name_wins_over_a_part_of_another() -> None:
    symbols = ("maillot, tank suit", "maillot", "x")
    assert align(samples([0], ("maillot",)), model(symbols)).labels.tolist() == [1]
    assert align(samples([0], ("tank suit",)), model(symbols)).labels.tolist() == [0]


def test_classes_without_samples_need_no_output() -> None:
    found = align(samples([0, 2], ("dog", "unicorn", "cat")), model(PETS))
    assert found.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("labels", "names", "fact"),
    [
        (
            [0, 1, 2],
            ("cat", "lynx", "ox"),
            "'tench, Tinca tinca'); got 'lynx', 'ox' in pets, 2 without a match. Pass label_map={",
        ),
        (
            [0, 1],
            ("Cat", "cat"),
            "class names must be of one output each; got 'Cat' and 'cat' of pets, which fit one",
        ),
    ],
)
def test_names_that_do_not_match_are_refused(labels: Any, names: Any, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        align(samples(labels, names), model(PETS))


@pytest.mark.parametrize(
    ("names", "symbols"),
    [
        (("Smith, John", "Smith, Mary"), ("Smith, Mary", "Smith, John")),
        (("A", "a"), ("a", "A")),
        (("a-b", "a b"), ("a b", "a-b")),
        (("a, b", "x"), ("x, a", "a, b, c")),
    ],
)
def test_a_better_match_elsewhere_comes_before_the_same_place(names: Any, symbols: Any) -> None:
    found = align(samples([0, 1], names), model(symbols))
    assert found.labels.tolist() == [1, 0]
    assert found.notes[0].startswith("labels renumbered: ")


def test_where_only_the_place_decides_it_is_said() -> None:
    """As of maillots, in some lists of the classes of ImageNet."""
    names = ("maillot", "maillot, tank suit", "x")
    found = align(samples([0, 1, 2], names), model(("maillot", "maillot", "x")))
    assert found.labels.tolist() == [0, 1, 2]
    fact = "1 class(es) of pets fit several outputs of net and were taken for those of their"
    assert found.notes == (f"{fact} numbers: 'maillot, tank suit'",)


@pytest.mark.parametrize("labels", [[1, 2], [7, 1, 2], [7]])
def test_names_that_are_numbers_are_compared_with_labels_by_value(labels: list[int]) -> None:
    net = model(("7", "1", "2"))
    found = align(samples(labels), net)
    assert [int(net.class_names[label]) for label in found.labels] == labels
    assert any("renumbered" in note for note in found.notes) == (7 in labels)
    with pytest.raises(ValueError, match=r"labels must be among the classes of net .*; got 0 at r"):
        align(samples([*labels, 0]), net)
    assert align(samples([0, *labels]), net, {0: 2}).labels.tolist()[0] == 2
    assert align(samples([1, 1]), net, {1: 0}).labels.tolist() == [0, 0]
    assert align(samples([0, 2, 1]), model(("0", "1", "2"))).notes == ()


def test_an_ambiguous_name_is_refused() -> None:
    fact = "got 'crane' of pets, which fits outputs [0, 2] of net."
    with pytest.raises(ValueError, match=re.escape(fact)):
        align(samples([0], ("crane",)), model(("crane, bird", "x", "crane, machine")))
    with pytest.raises(ValueError, match=re.escape(fact)):
        align(samples([0], ("crane",)), model(("crane", "x", "crane")))


def test_without_names_numbers_count() -> None:
    data = samples([0, 2, 1])
    found = align(data, model(k=3))
    assert found.labels is data.labels
    assert (found.n_classes, found.class_names, found.notes) == (3, None, ())
    assert align(data, model(("x", "y", "z"))).class_names == ("x", "y", "z")
    assert align(samples([0, 2], ("x", "y", "z")), model(k=3)).class_names == ("x", "y", "z")


def test_fewer_labels_than_outputs_are_noted() -> None:
    found = align(samples([0, 2, 1]), model(k=10))
    assert found.n_classes == 10
    assert found.notes == ("labels of pets go up to 2, net has 10 outputs",)


def test_a_model_that_does_not_know_its_outputs_yet() -> None:
    assert align(samples([0, 2]), model()).n_classes is None
    assert align(samples([0, 2], ("x", "y", "z")), model()).n_classes == 3


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (
            samples([0, 3, 5]),
            "labels must be below the number of outputs of net (3); got 3 at row 1",
        ),
        (
            samples([0], ("a", "b")),
            "data must have as many classes as net has outputs (3); got 2 classes in pets ('a'",
        ),
        (
            samples([0], tuple("abcdefgh")),
            "got 8 classes in pets ('a', 'b', 'c', 'd', 'e', ...). Pa",
        ),
    ],
)
def test_other_numbers_of_classes_are_refused(data: Any, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        align(data, model(k=3))


def test_labels_beyond_named_outputs_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"below the number of outputs of net \(4\); got 4 at row 0"
    ):
        align(samples([4]), model(PETS))


def wordnet(count: int) -> tuple[str, ...]:
    return tuple(f"n{number:08}" for number in range(count))


def test_the_folders_of_imagenet_are_in_its_order() -> None:
    symbols = [f"thing {number}" for number in range(1000)]
    found = align(samples([999, 5], wordnet(1000)), model(symbols))
    assert found.labels.tolist() == [999, 5]
    assert found.class_names == tuple(symbols)
    assert found.notes == ("the 1000 WordNet numbers of pets taken for the classes of ImageNet",)


@pytest.mark.parametrize(
    ("names", "symbols"),
    [
        (wordnet(999), [f"thing {number}" for number in range(1000)]),
        (wordnet(999), [f"thing {number}" for number in range(999)]),
        (wordnet(1000)[::-1], [f"thing {number}" for number in range(1000)]),
        ((*wordnet(999), "z"), [f"thing {number}" for number in range(1000)]),
    ],
)
def test_other_wordnet_numbers_match_nothing(names: Any, symbols: Any) -> None:
    with pytest.raises(ValueError, match="class names must be those of net"):
        align(samples([0], names), model(symbols))


def test_wordnet_numbers_on_both_sides_are_names() -> None:
    for names, symbols in (
        (wordnet(1000), wordnet(1000)[::-1]),
        (wordnet(1000)[::-1], wordnet(1000)),
    ):
        assert align(samples([0, 999], names), model(symbols)).labels.tolist() == [999, 0]


@pytest.mark.parametrize(
    "mapping",
    [
        {"lynx": "cat", "ox": "dog"},
        {"LYNX": "Cat", 1: 1},
        {0: "cat", "1": "1"},
        {np.int64(0): np.int64(0), 1: 1},
    ],
)
def test_a_map_gives_outputs_by_name_or_number(mapping: Any) -> None:
    found = align(samples([0, 1, 1], ("lynx", "ox")), model(PETS), mapping)
    assert found.labels.tolist() == [0, 1, 1]
    assert found.n_classes == 4


def test_what_a_map_leaves_out_is_found_by_name(tmp_path: Path) -> None:
    data = samples([0, 1, 2], ("lynx", "dog", "cat"))
    found = align(data, model(PETS), {"lynx": "cat"})  # two classes may share an output
    assert found.labels.tolist() == [0, 1, 0]
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"lynx": "cat"}))
    assert align(data, model(PETS), path).labels.tolist() == [0, 1, 0]
    assert align(data, model(PETS), str(path)).notes == found.notes


def test_a_map_overrules_names_in_the_same_order() -> None:
    found = align(samples([0, 1], ("a", "b")), model(("a", "b")), {"a": "b", "b": "a"})
    assert found.labels.tolist() == [1, 0]


def test_a_map_of_numbers_alone() -> None:
    found = align(samples([0, 1, 2]), model(k=3), {0: 2, 1: 1, 2: 0})
    assert found.labels.tolist() == [2, 1, 0]
    assert found.class_names is None
    assert found.notes == ("labels renumbered: class 0 of pets is number 0 there and 2 in net",)
    assert align(samples([0, 1]), model(), {0: 7, 1: 0}).labels.tolist() == [7, 0]


@pytest.mark.parametrize(
    ("mapping", "fact"),
    [
        (
            {"tiger": "cat"},
            "label_map must have a class of pets by name or number ('lynx', 'ox'); g",
        ),
        (
            {2: "cat"},
            "label_map must have a class of pets by name or number ('lynx', 'ox'); got 2.",
        ),
        ({-1: "cat"}, "got -1."),
        (
            {"lynx": "tiger"},
            "label_map must have an output of net by name or number ('cat', 'dog', ",
        ),
        ({"lynx": 4}, "got 4."),
        ({"lynx": 1.0}, "got 1.0."),
        ({"lynx": None}, "got None."),
        ({"lynx": "cat"}, "class names must be those of net"),
    ],
)
def test_maps_that_say_too_little_are_refused(mapping: Any, fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fact)):
        align(samples([0, 1], ("lynx", "ox")), model(PETS), mapping)


def test_a_map_without_names_has_to_be_complete() -> None:
    fact = "have every class with samples, where there are no names to compare; got nothing for cl"
    with pytest.raises(ValueError, match=fact):
        align(samples([0, 1]), model(k=3), {0: 1})
    with pytest.raises(ValueError, match=r"by name or number \(2 of them\); got 2\."):
        align(samples([0, 1]), model(k=3), {0: 1, 1: 0, 2: 2})
    with pytest.raises(ValueError, match=r"got 'crane', which fits \[0, 1\]\."):
        align(samples([0], ("x",)), model(("crane", "crane")), {"x": "crane"})


def test_maps_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    data = samples([0, 1])
    with pytest.raises(
        ValueError, match=r"a mapping or a readable file of one in JSON; got .*No such"
    ):
        align(data, model(k=2), tmp_path / "nothing.json")
    (tmp_path / "map.json").write_text("{")
    with pytest.raises(
        ValueError, match=r"a mapping or a readable file of one in JSON; got .*Expecting"
    ):
        align(data, model(k=2), tmp_path / "map.json")
    (tmp_path / "map.json").write_text("[1, 0]")
    with pytest.raises(TypeError, match=r"label_map must be a mapping or the path .*; got list"):
        align(data, model(k=2), tmp_path / "map.json")

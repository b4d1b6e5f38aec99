"""Which arrays and columns are models, and in which order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from files.support import LABELS, LOGITS, joined, refused, write_npz, write_table

from infotheory.files import find_models

ROWS = 6


def table(folder: Path, *names: str) -> Path:
    """Columns of numbers, each with its place as the value; text where the name is `text`."""
    columns = {name: [str(k)] * ROWS for k, name in enumerate(names)}
    columns |= {name: ["x"] * ROWS for name in names if name == "text"}
    return write_table(folder / "t.csv", {**columns, "label": ["0"] * ROWS})


def chosen(path: Path, **options: object) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    models, notes = find_models(path, **options)
    return {model.key: model.columns for model in models}, notes


# ------------------------------------------------------------------------------------------ arrays


def npz(folder: Path) -> Path:
    names = ("resnet_a", "resnet_b", "vgg", "vgg[1]")
    arrays = dict.fromkeys(names, LOGITS)
    return write_npz(folder / "x.npz", {**arrays, "x": np.zeros(3), "label": LABELS})


@pytest.mark.parametrize(
    ("patterns", "keys"),
    [
        (["resnet*"], ["resnet_a", "resnet_b"]),
        (["vgg", "resnet_?"], ["vgg", "resnet_a", "resnet_b"]),
        (["vgg[1]"], ["vgg[1]"]),
        (["*", "vgg"], ["resnet_a", "resnet_b", "vgg", "vgg[1]"]),
        (["[rv]*_b"], ["resnet_b"]),
    ],
)
def test_patterns_choose_arrays(tmp_path: Path, patterns: list[str], keys: list[str]) -> None:
    models, notes = chosen(npz(tmp_path), outputs=patterns)
    assert list(models) == keys
    assert notes == (["'x' is 1-dimensional: passed over"] if "*" in patterns else [])


@pytest.mark.parametrize("pattern", ["VGG", "x", "label", "", "alexnet*"])
def test_patterns_that_match_no_outputs(tmp_path: Path, pattern: str) -> None:
    assert refused(npz(tmp_path), outputs=["vgg", pattern]) == (
        f"outputs must be chosen by patterns that match arrays of numbers; got {pattern!r}, and "
        "there are 'resnet_a', 'resnet_b', 'vgg', 'vgg[1]'. "
        "Patterns are those of a shell: 'resnet*'."
    )


def test_no_pattern_at_all_chooses_nothing(tmp_path: Path) -> None:
    assert refused(npz(tmp_path), outputs=[]).startswith("there is no 2-dimensional array")


def test_an_array_without_a_name_has_none_to_match(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", LOGITS)
    np.save(tmp_path / "y.npy", LABELS)
    labels = str(tmp_path / "y.npy")
    assert refused(tmp_path / "z.npy", labels, outputs=["resnet*"]).startswith(
        "outputs must be chosen by patterns that match arrays of numbers; got 'resnet*'"
    )
    assert len(find_models(tmp_path / "z.npy", labels, outputs=["*"])[0]) == 1


def test_hundreds_of_names_are_cut_short(tmp_path: Path) -> None:
    arrays = {f"z{k}": LOGITS for k in range(25)}
    text = refused(write_npz(tmp_path / "x.npz", arrays))
    assert "'z19' and 5 more." in text


# ----------------------------------------------------------------------------------------- columns


@pytest.mark.parametrize(
    "names",
    [
        ("logit_0", "logit_1", "logit_2"),
        ("logit_1", "logit_2", "logit_3"),
        ("0", "1", "2"),
        ("p0", "p1"),
        ("class 00", "class 01"),
        ("a_0_0", "a_0_1"),
        ("score_1",),
    ],
)
def test_one_numbered_family_is_one_model(tmp_path: Path, names: tuple[str, ...]) -> None:
    assert chosen(table(tmp_path, *names)) == ({"": names}, [])


@pytest.mark.parametrize(
    ("names", "families"),
    [
        (("a_0", "a_1", "b_0", "b_1"), {"a": ("a_0", "a_1"), "b": ("b_0", "b_1")}),
        (("a_1", "b0", "a_2", "b1"), {"a": ("a_1", "a_2"), "b": ("b0", "b1")}),
        (("v2.0", "v2.1", "v3.0", "v3.1"), {"v2": ("v2.0", "v2.1"), "v3": ("v3.0", "v3.1")}),
    ],
)
def test_several_numbered_families_are_models(
    tmp_path: Path, names: tuple[str, ...], families: dict[str, tuple[str, ...]]
) -> None:
    path = table(tmp_path, *names)
    assert chosen(path) == (families, [])
    for model in find_models(path)[0]:
        expected = [names.index(name) for name in model.columns]
        assert joined(model).outputs.tolist() == [expected] * ROWS


def test_numbers_set_the_order_and_not_the_file(tmp_path: Path) -> None:
    names = sorted(f"logit_{k}" for k in range(12))  # as text, 10 comes before 2
    ordered = tuple(f"logit_{k}" for k in range(12))
    path = table(tmp_path, *names)
    note = f"columns are taken by their numbers: {', '.join(map(repr, ordered))}"
    assert chosen(path) == ({"": ordered}, [note])
    assert chosen(path, outputs=["logit*"]) == ({"logit*": ordered}, [note])
    (model,), _ = find_models(path)
    assert joined(model).outputs[0].tolist() == [names.index(name) for name in ordered]
    both = table(tmp_path, *names, "b_1", "b_0")
    assert chosen(both) == (
        {"logit": ordered, "b": ("b_0", "b_1")},
        [note, "columns are taken by their numbers: 'b_0', 'b_1'"],
    )


def test_columns_without_numbers_are_one_model_and_named(tmp_path: Path) -> None:
    assert chosen(table(tmp_path, "conv0", "fc1")) == (
        {"": ("conv0", "fc1")},
        ["the outputs are the columns 'conv0', 'fc1', in this order"],
    )
    huge = "p" + "9" * 5000  # more digits than Python converts
    assert chosen(table(tmp_path, huge))[0] == {"": (huge,)}
    note = "the outputs are the columns 'cat', 'dog', 'owl', in this order"
    names = ("cat", "dog", "owl")
    assert chosen(table(tmp_path, *names)) == ({"": names}, [note])
    assert chosen(table(tmp_path, *names, "text")) == (
        {"": names},
        [note, "columns passed over: 'text'"],
    )


@pytest.mark.parametrize(
    ("names", "numbered", "others", "pattern", "columns"),
    [
        (("id", "p_0", "p_1"), "'p_0', 'p_1'", "'id'", "p_*", ("p_0", "p_1")),
        (("0", "1", "id"), "'0', '1'", "'id'", "[0-9]*", ("0", "1")),
        (
            ("a_0", "a_1", "b_0", "b_1", "epoch"),
            "'a_0', 'a_1', 'b_0', 'b_1'",
            "'epoch'",
            "a_*",
            ("a_0", "a_1"),
        ),
        (("a_0", "a_1", "a0", "a1"), "'a_0', 'a_1'", "'a0', 'a1'", "a_*", ("a_0", "a_1")),
    ],
)
def test_numbered_columns_beside_others_are_not_guessed_at(
    tmp_path: Path,
    names: tuple[str, ...],
    numbered: str,
    others: str,
    pattern: str,
    columns: tuple[str, ...],
) -> None:
    path = table(tmp_path, *names)
    assert refused(path) == (
        "outputs must be chosen by a pattern where numbered columns have others beside them; got "
        f"{numbered} beside {others}. Give a pattern, say {pattern!r}; '*' takes all columns."
    )
    assert chosen(path, outputs=[pattern])[0] == {pattern: columns}
    assert chosen(path, outputs=["*"])[0] == {"*": names}


@pytest.mark.parametrize("names", [("p_0", "p_1", "p_5", "x"), ("p_2", "p_3"), ("p_0", "p_2")])
def test_numbers_that_do_not_count_from_0_or_1(tmp_path: Path, names: tuple[str, ...]) -> None:
    note = f"the outputs are the columns {', '.join(map(repr, names))}, in this order"
    assert chosen(table(tmp_path, *names)) == ({"": names}, [note])


def test_patterns_choose_sets_of_columns(tmp_path: Path) -> None:
    path = table(tmp_path, "id", "b_0", "b_1", "a_x", "a_y", "text")
    models, notes = chosen(path, outputs=["a_*", "b_*"])
    assert models == {"a_*": ("a_x", "a_y"), "b_*": ("b_0", "b_1")}
    assert notes == []
    assert refused(path, outputs=["c_*"]).startswith(
        "outputs must be chosen by patterns that match columns of numbers; got 'c_*', and there "
        "are 'id', 'b_0', 'b_1', 'a_x', 'a_y'."
    )


def test_labels_in_the_table_are_no_outputs_though_others_are_used(tmp_path: Path) -> None:
    np.save(tmp_path / "y.npy", np.zeros(ROWS, int))
    path = table(tmp_path, "cat", "dog", "labels")
    models, notes = chosen(path, labels=str(tmp_path / "y.npy"))
    assert models == {"": ("cat", "dog")}
    assert notes[-1] == "columns passed over: 'labels', 'label'"


def test_one_column_is_a_model_of_one_output(tmp_path: Path) -> None:
    (model,), _ = find_models(table(tmp_path, "score"))
    assert model.n_outputs == 1
    assert joined(model).outputs.shape == (ROWS, 1)


def test_weights_and_groups_are_no_outputs(tmp_path: Path) -> None:
    path = table(tmp_path, "p_0", "p_1", "w", "g")
    models, _ = chosen(path, weights="w", groups="g")
    assert models == {"": ("p_0", "p_1")}
    batch = joined(find_models(path, weights="w", groups="g")[0][0])
    assert batch.weights is not None
    assert batch.weights.dtype == np.float64
    assert batch.groups is not None
    assert batch.groups.tolist() == [3] * ROWS

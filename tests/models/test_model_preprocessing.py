"""Images become numbers as torchvision makes them, to the last bit."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infotheory.models.preprocessing import Preprocessing, take_preprocessing
from infotheory.models.specs import parse_spec

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def pixels(height: int, width: int, channels: int | None = 3, seed: int = 0) -> np.ndarray:
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def by_hand(image: Any, size: Any, crop: Any, filter_: Any, mean: Any, std: Any) -> np.ndarray:
    """Resize, CenterCrop, ToTensor and Normalize of torchvision, one number after the other."""
    width, height = image.size
    if isinstance(size, int):
        if width <= height:
            image = image.resize((size, size * height // width), filter_)
        else:
            image = image.resize((size * width // height, size), filter_)
    elif size is not None:
        image = image.resize((size[1], size[0]), filter_)
    array = np.atleast_3d(np.asarray(image))
    height, width, n_channels = array.shape
    rows, columns = (height, width) if crop is None else crop
    result = np.empty((n_channels, rows, columns), dtype=np.float32)
    # A border of zeros on both sides, the larger half behind; then the centre, halves to even.
    top = -((rows - height) // 2) if rows > height else round((height - rows) / 2)
    left = -((columns - width) // 2) if columns > width else round((width - columns) / 2)
    for c in range(n_channels):
        for i in range(rows):
            for j in range(columns):
                y, x = i + top, j + left
                inside = 0 <= y < height and 0 <= x < width
                value = np.float32(array[y, x, c] if inside else 0) / np.float32(255)
                result[c, i, j] = (value - np.float32(mean[c])) / np.float32(std[c])
    return result


@pytest.mark.parametrize(
    ("shape", "size", "crop"),
    [
        ((10, 23), 7, None),
        ((23, 10), 7, (5, 6)),
        ((9, 9), 14, (13, 8)),
        ((12, 9), (5, 11), (4, 4)),
        ((6, 5), None, (9, 8)),
        ((6, 8), None, (3, 11)),
        ((7, 7), 7, None),
        ((5, 9), 5, None),
    ],
)
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest", "box", "lanczos"])
def test_equals_the_computation_by_hand(
    shape: tuple[int, int], size: Any, crop: Any, interpolation: str
) -> None:
    array = pixels(*shape)
    prepare = Preprocessing(size=size, crop=crop, interpolation=interpolation, mean=MEAN, std=STD)
    filter_ = getattr(Image.Resampling, interpolation.upper())
    expected = by_hand(Image.fromarray(array), size, crop, filter_, MEAN, STD)
    for sample in (array, Image.fromarray(array)):
        np.testing.assert_array_equal(prepare(sample), expected)


def test_known_sizes_of_torchvision() -> None:
    # Resize(7) of 10 x 23 gives int(7 * 23 / 10) = 16 columns; CenterCrop begins at the rounded
    # half of the difference, where 0.5 and 2.5 go to the even number.
    assert Preprocessing(size=7)(pixels(10, 23)).shape == (3, 7, 16)
    assert Preprocessing(size=9)(pixels(23, 10)).shape == (3, 20, 9)  # 20.7
    ramp = np.arange(10, dtype=np.uint8)[None, :].repeat(10, axis=0)
    for crop, first in ((9, 0), (7, 2), (5, 2), (4, 3)):
        row = Preprocessing(crop=crop, mode="L", divisor=1)(ramp)[0, 0]
        assert row.tolist() == list(range(first, first + crop))


def test_equals_torch_to_the_last_bit() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    array = np.arange(256, dtype=np.uint8).reshape(16, 16)[:, :, None].repeat(3, axis=2)
    tensor = torch.from_numpy(array).permute(2, 0, 1).contiguous().float().div(255)
    tensor.sub_(torch.tensor(MEAN)[:, None, None]).div_(torch.tensor(STD)[:, None, None])
    prepared = Preprocessing(mean=MEAN, std=STD)(array)
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(prepared, tensor.numpy())


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.none() | st.integers(1, 30) | st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.none() | st.integers(1, 30),
    st.sampled_from(["RGB", "L"]),
)
def test_shapes(shape: tuple[int, int], size: Any, crop: Any, mode: str) -> None:
    channels_first = Preprocessing(size=size, crop=crop, mode=mode)(pixels(*shape))
    channels_last = Preprocessing(size=size, crop=crop, mode=mode, layout="HWC")(pixels(*shape))
    np.testing.assert_array_equal(channels_first, channels_last.transpose(2, 0, 1))
    assert channels_first.flags.c_contiguous
    assert channels_last.flags.c_contiguous
    assert len(channels_first) == len(mode)
    if crop is not None:
        assert channels_first.shape[1:] == (crop, crop)
    elif isinstance(size, tuple):
        assert channels_first.shape[1:] == size
    elif size is not None:
        assert min(channels_first.shape[1:]) == size


def test_modes_of_images_and_channels_of_arrays() -> None:
    colour, grey = pixels(4, 5), pixels(4, 5, None)
    rgb, bright = Preprocessing(divisor=1), Preprocessing(mode="L", divisor=1)
    np.testing.assert_array_equal(rgb(grey), np.stack([grey] * 3))
    np.testing.assert_array_equal(rgb(grey[:, :, None]), np.stack([grey] * 3))
    np.testing.assert_array_equal(bright(grey[:, :, None]), grey[None])
    np.testing.assert_array_equal(rgb(Image.fromarray(grey)), np.stack([grey] * 3))
    alpha = np.dstack([colour, grey])
    np.testing.assert_array_equal(rgb(alpha), colour.transpose(2, 0, 1))
    np.testing.assert_array_equal(rgb(Image.fromarray(alpha)), colour.transpose(2, 0, 1))
    # Brightness as Pillow rounds it: (19595 R + 38470 G + 7471 B + 32768) >> 16.
    r, g, b = colour.transpose(2, 0, 1).astype(np.int64)
    expected = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16
    np.testing.assert_array_equal(bright(colour)[0], expected)
    palette = Image.fromarray(colour).quantize(8)
    np.testing.assert_array_equal(
        rgb(palette), np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    )


def test_features_pass_through() -> None:
    prepare = Preprocessing(size=8, mean=0.5, std=2.0)
    for dtype in (np.float16, np.float32, np.float64):
        features = np.arange(6, dtype=dtype).reshape(2, 3).T
        prepared = prepare(features)
        assert prepared.dtype == dtype
        np.testing.assert_array_equal(prepared, features)


def test_arrays_of_the_right_size_need_no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    assert Preprocessing(crop=2, mean=MEAN, std=STD)(pixels(4, 4)).shape == (3, 2, 2)
    with pytest.raises(ImportError, match=r"pip install 'infotheory-toolkit\[images\]'"):
        Preprocessing(size=2)(pixels(4, 4))


@pytest.mark.parametrize(
    ("sample", "fact"),
    [
        ("a text", "got a text."),
        (("one", "two"), "got a pair of texts."),
        (np.zeros((3, 4), dtype=np.int64), "got an array of dtype int64 and shape (3, 4)."),
        (np.zeros((3, 4, 2), dtype=np.uint8), "got an image, an array of dtype uint8 and shape"),
        (
            np.zeros((0, 4), dtype=np.uint8),
            "got an image, an array of dtype uint8 and shape (0, 4)",
        ),
        (np.zeros(4, dtype=np.uint8), "shape (4,)."),
        (None, "got an object of type NoneType."),
    ],
)
@pytest.mark.parametrize("prepare", [Preprocessing(), Preprocessing(size=2, mode="L")])
def test_what_is_no_image_is_refused(prepare: Preprocessing, sample: Any, fact: str) -> None:
    with pytest.raises(ValueError, match="sample must be an image: of PIL, or uint8") as caught:
        prepare(sample)
    assert fact in str(caught.value)


def test_images_of_16_bits_are_refused() -> None:
    image = Image.fromarray(np.full((2, 3), 40_000, dtype=np.uint16))
    with pytest.raises(ValueError, match="8 bits a channel; got an image of mode I;16 and 3 x 2"):
        Preprocessing()(image)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"interpolation": "cubic"}, "interpolation must be one of 'bilinear', 'bicubic'"),
        ({"mode": "BGR"}, "mode must be one of 'RGB', 'L'; got 'BGR'"),
        ({"layout": "NCHW"}, "layout must be one of 'CHW', 'HWC'"),
        ({"size": 0}, "size must be None, a positive integer, or two of them"),
        ({"size": (1, 2, 3)}, "size must be None"),
        ({"crop": 2.5}, "crop must be None"),
        ({"crop": True}, "crop must be None"),
        ({"divisor": 0}, "divisor must be positive; got 0"),
        ({"mean": (0.5, 0.5)}, "mean must be one number, or one a channel (3 of mode RGB); got 2"),
        ({"mean": float("nan")}, "mean must be finite numbers; got nan"),
        ({"mean": "0.5"}, "mean must be finite numbers; got '0.5'"),
        ({"std": (0.2, 0.0, 0.2)}, "std must be positive; got 0.0"),
        ({"mode": "L", "std": MEAN}, "std must be one number, or one a channel (1 of mode L)"),
    ],
)
def test_fields_out_of_range_are_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        Preprocessing(**fields)
    assert text in str(caught.value)


def test_there_and_back_as_json() -> None:
    prepare = Preprocessing(size=(3, 4), crop=2, mode="L", mean=[0.5], std=2, interpolation="box")
    assert prepare == Preprocessing.of(prepare.to_json())
    assert Preprocessing.of({"mean": list(MEAN)}) == Preprocessing(mean=MEAN)
    assert Preprocessing.of(prepare) is prepare
    assert hash(prepare) == hash(Preprocessing.of(prepare.to_json()))


@pytest.mark.parametrize("value", ["{", "[1]", {"mena": 0.5}, 3])
def test_other_descriptions_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="mapping with names among size, crop, interpolation, mo"):
        Preprocessing.of(value)


def taken(query: str) -> Preprocessing | None:
    return take_preprocessing(parse_spec("model", f"onnx:m.onnx?{query}", {"onnx": "onnx:FILE"}))


def test_options_of_a_spec() -> None:
    assert taken("size=256&crop=224,192&mean=0.485,0.456,0.406&std=0.2&layout=HWC") == (
        Preprocessing(size=256, crop=(224, 192), mean=MEAN, std=0.2, layout="HWC")
    )
    assert taken("mode=L&divisor=1&interpolation=bicubic") == (
        Preprocessing(mode="L", divisor=1, interpolation="bicubic")
    )
    assert taken("kind=probs") is None
    with pytest.raises(ValueError, match="size must be a number, or several with commas; got"):
        taken("size=2.5")

"""Data sets for classifiers, opened by a text or made of objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infotheory._validation import as_array, as_names, refusal
from infotheory.models.arrays import open_arrays
from infotheory.models.glue import open_glue
from infotheory.models.hub import open_hub, wrapped
from infotheory.models.idx import open_idx
from infotheory.models.image_folder import open_image_folder
from infotheory.models.interface import LabelledData
from infotheory.models.items import ItemSamples
from infotheory.models.labelled import Samples, checked_samples
from infotheory.models.labels import class_numbers
from infotheory.models.parquet_data import open_parquet_data
from infotheory.models.python_objects import call_factory
from infotheory.models.specs import parse_spec
from infotheory.models.tables import open_table

__all__ = ["DATA_FORMS", "as_dataset", "open_dataset"]

DATA_FORMS = {
    "imagefolder": "imagefolder:DIR",
    "idx": "idx:DIR",
    "npz": "npz:FILE",
    "parquet": "parquet:FILE-or-DIR",
    "tsv": "tsv:FILE",
    "glue": "glue:TASK?dir=DIR",
    "hf": "hf:NAME-or-DIR",
    "python": "python:module:factory",
}
"""How the text of each scheme looks."""

_OPENERS = {
    "imagefolder": open_image_folder,
    "idx": open_idx,
    "npz": open_arrays,
    "parquet": open_parquet_data,
    "tsv": open_table,
}
_HUB_OPENERS: dict[str, Callable[..., LabelledData]] = {"glue": open_glue, "hf": open_hub}
_HUGGING_FACE = ("features", "column_names", "with_format")  # what its data sets have


def open_dataset(spec: str, *, download: bool = False) -> LabelledData:
    r"""Open a data set that a text names.

    Parameters
    ----------
    spec : str
        One of

        - ``imagefolder:DIR``: images in one folder a class;
        - ``idx:DIR?split=test|train``: the files of MNIST, plain or with ``.gz``;
        - ``npz:FILE?images=KEY&labels=KEY&class_names=KEY``: images (uint8) or features (floating
          point) with labels;
        - ``parquet:FILE-or-DIR?sample=COLUMN,COLUMN&label=COLUMN&split=SPLIT``: images as Hugging
          Face stores them, one text or two, lists of numbers, or columns of numbers;
        - ``tsv:FILE?sample=COLUMN,COLUMN&label=COLUMN&delimiter=tab|comma&header=yes|no``: one text
          or two, as in GLUE;
        - ``glue:TASK?dir=DIR&split=dev|train``: a task of GLUE, as
          :func:`infotheory.models.glue.read_task` reads it; without a folder, from the Hub;
        - ``hf:NAME-or-DIR?config=CONFIG&split=SPLIT&sample=COLUMN,COLUMN&label=COLUMN``: a data set
          of the library `datasets`, from its cache or a folder written by ``save_to_disk``;
        - ``python:module:factory`` or ``python:file.py:factory``: what the function returns, as
          :func:`as_dataset` takes it.
    download : bool, default False
        Whether a data set of the Hub that is not on this machine may be fetched.

    Returns
    -------
    LabelledData
        With ``len()``, and ``notes`` on what was passed over. Samples are read as they are asked
        for, from any thread; texts, and arrays that cannot be mapped, are in memory.

    Raises
    ------
    ValueError
        If the scheme or an option is not known, nothing is there, it cannot be used, or a label is
        missing, negative or a fraction. The text says what to do.
    ImportError
        If the library for it is not installed.

    Notes
    -----
    Columns need not be named where they have usual names (``label``; ``image``, ``text``,
    ``sentence1`` and ``sentence2``, ...). Rows are in the order of the files; images of a folder in
    that of torchvision, and like there an orientation in their EXIF data is not followed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from infotheory.models import open_dataset
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "pets.tsv"
    ...     _ = file.write_text("sentence\tlabel\nIt purrs.\tcat\nIt barks.\tdog\n")
    ...     data = open_dataset(f"tsv:{file}")
    >>> data.sample(1), data.labels, data.class_names
    ('It barks.', array([0, 1]), ('cat', 'dog'))
    """
    if not isinstance(spec, str):
        raise TypeError(
            f"data must be a text such as 'imagefolder:DIR'; got {type(spec).__name__}. "
            "Objects are taken by as_dataset."
        )
    parsed = parse_spec("data", spec, DATA_FORMS)
    if parsed.scheme in _HUB_OPENERS:
        return _HUB_OPENERS[parsed.scheme](parsed, download=download)
    if parsed.scheme == "python":
        parsed.finish()
        return as_dataset(call_factory(parsed), name=parsed.place)
    return _OPENERS[parsed.scheme](parsed)


def as_dataset(
    data: Any, labels: Any = None, *, class_names: Sequence[str] | None = None, name: str = "data"
) -> LabelledData:
    """Give an object the form of a data set.

    Parameters
    ----------
    data : object
        A data set of this package, which is returned as it is; samples with `labels`, or the pair
        of both: an array of images (uint8, (n, H, W) or (n, H, W, channels)), of features
        (floating point) or of texts, or a sequence of images, arrays, texts or pairs of texts; a
        data set of Hugging Face's `datasets`; or a data set whose items are (sample, label), such
        as those of torch and torchvision.
    labels : array-like of int or str, shape (n,), optional
        Class numbers from 0 on, or names.
    class_names : sequence of str, optional
        Names of the classes. By default what the data set calls its ``classes``; names among the
        labels are sorted.
    name : str, default "data"
        What tables call it.

    Returns
    -------
    LabelledData

    Raises
    ------
    TypeError
        If it is nothing of this.
    ValueError
        If there are no samples, as many labels as samples are not there, or a label is missing,
        negative or a fraction.

    Notes
    -----
    Of a data set with items (sample, label) the labels are read once: from its attribute
    ``targets`` or ``labels`` if nothing transforms these and three items agree with them, else by
    going through all items, which costs as much as reading all samples. A label that is another one
    when its sample is read is refused. Items are read from several threads at once.

    The fingerprint covers labels and samples: evenly spaced stripes of an array of more than
    64 MiB, and 2048 evenly spaced items of a data set with more of them, which are read for it.
    Items that differ each time they are read, by random changes say, are never known again.

    Examples
    --------
    >>> from infotheory.models import as_dataset
    >>> data = as_dataset(["It purrs.", "It barks."], ["cat", "dog"])
    >>> data.sample(0), data.labels, data.class_names
    ('It purrs.', array([0, 1]), ('cat', 'dog'))
    """
    names = as_names(class_names)
    if labels is None and isinstance(data, tuple) and len(data) == 2:
        data, labels = data
    if labels is not None:
        return _with_labels(data, labels, names, name)
    if isinstance(data, LabelledData):
        if names is not None:
            raise refusal("class_names", "left out for a data set that is complete", repr(names))
        return data
    numbered = hasattr(data, "__getitem__") and hasattr(data, "__len__")
    if not numbered or isinstance(data, (str, Mapping)):
        raise TypeError(
            f"data must be samples with labels, or a data set; got {type(data).__name__}. "
            "Pass as_dataset(samples, labels), or what has a length and items (sample, label): "
            "of several splits one."
        )
    if hasattr(data, "columns"):  # such as those of pandas, whose items are columns
        raise TypeError(
            f"data must be samples with labels; got a table, of type {type(data).__name__}. "
            "Pass the columns of both: (table[[...]].to_numpy(dtype=float), table[LABEL])."
        )
    if all(hasattr(data, attribute) for attribute in _HUGGING_FACE):
        return wrapped(data, "the data set", name)
    return ItemSamples.of(data, names, name)


def _with_labels(data: Any, labels: Any, names: tuple[str, ...] | None, name: str) -> Samples:
    if isinstance(data, (list, tuple)):
        samples: Any = data
        numbers, names = class_numbers(labels, names)
        if len(samples) != len(numbers):
            raise refusal("samples", f"as many as labels ({len(numbers)})", str(len(samples)))
    else:
        array = as_array(data, "samples")
        numbers, names = class_numbers(labels, names)
        if array.dtype.hasobject and array.ndim == 1:  # such as a column of texts in pandas
            return _with_labels(array.tolist(), labels, names, name)
        samples = checked_samples(array, "samples", len(numbers))
    return Samples(name, numbers, names, samples, name)

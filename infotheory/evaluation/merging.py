"""Saved measurements put together, from one machine or many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from infotheory.evaluation.states import Kept, called, fingerprints, piece, read_kept
from infotheory.exceptions import StateError

__all__ = ["merged"]

_MODEL, _DATA = "model fingerprint", "data fingerprint"  # of what was measured at work


def merged(
    paths: Sequence[Path], *, allow_repeats: bool, allow_incomplete: bool
) -> tuple[dict[str, Kept], list[str]]:
    """Merge state files model by model.

    Parameters
    ----------
    paths : sequence of Path
        In the order in which their rows count.
    allow_repeats, allow_incomplete : bool
        Whether data may be counted twice, and measurements be unfinished.

    Returns
    -------
    models : dict of str to Kept
        By name.
    notes : list of str
        What is odd.

    Raises
    ------
    StateError, OSError
        If a file is no state, holds what is contained already, is unfinished, or measures
        something else, such as another model of the same name; or if rows are missing of one
        of several data sets. The text names the file.
    """
    total: dict[str, Kept] = {}
    found: dict[str, list[Path]] = {}
    notes = []
    for path in paths:
        for name, kept in read_kept(path).items():
            found.setdefault(name, []).append(path)
            if not kept.complete:
                if not allow_incomplete:
                    raise StateError(
                        f"{path}: {name!r} must be measured to the end; got {kept.progress}. "
                        "Go on with it, or pass --allow-incomplete."
                    )
                notes.append(f"{path}: {name!r} is incomplete: {kept.progress}")
            if name not in total:
                total[name] = kept
                continue
            _refuse_another(path, name, total[name], kept)
            if not allow_repeats:
                _refuse_repeats(path, name, total[name], kept)
            if bool(total[name].measurement.groups) != bool(kept.measurement.groups):
                raise StateError(
                    f"{path}: {name!r} must have groups in all of the states or in none; "
                    "got groups in some. Measure all of them with --groups, or none."
                )
            try:
                total[name].measurement.merge(kept.measurement)
            except ValueError as error:
                raise StateError(f"{path}: {name!r}: {error}") from error
            total[name] = _together(total[name], kept)
    for name, places in found.items():
        notes += [f"{name!r}: {text}" for text in _absent(name, total[name])]
        if len(places) < len(paths):
            notes.append(
                f"{name!r} is in {len(places)} of {len(paths)} states only; "
                "parts of one model have one name, by --name where they are measured"
            )
    return total, notes


def _refuse_another(path: Path, name: str, total: Kept, kept: Kept) -> None:
    """Refuse what was measured of another model, as far as the states know theirs."""
    precisions = [one.options.get("precision") for one in (total, kept)]
    if None not in precisions and len(set(precisions)) > 1:
        raise StateError(
            f"{path}: {name!r} must be of one precision in all of the states; got "
            f"{precisions[1]} beside {precisions[0]}. Measure all parts with the same --precision."
        )
    told = {source[_MODEL]: source for source in total.sources if _MODEL in source}
    for source in kept.sources:
        if told and source.get(_MODEL, next(iter(told))) not in told:
            raise StateError(
                f"{path}: {name!r} must be one model in all of the states; got {source['model']}, "
                f"which computes otherwise than {called([*told.values()])}. "
                "Measure all parts with the same model, or give each its own name by --name."
            )


def _refuse_repeats(path: Path, name: str, total: Kept, kept: Kept) -> None:
    common = total.measurement.total.digests & kept.measurement.total.digests
    if all("whole" in source for source in total.sources + kept.sources):
        common = frozenset()  # the rows tell, and different ones may have equal sums
    known = {*fingerprints(total)} - {""}
    repeated = [
        f"a state that is contained already (digest {digest[:12]})" for digest in sorted(common)
    ]
    repeated += [
        f"data that are contained already ({called([source])})"
        for source in kept.sources
        if source.get("fingerprint") in known
    ]
    repeated += [
        f"data that are contained already with other labels ({called([source])})"
        for source in kept.sources
        if any(_relabelled(source, other) for other in total.sources)
    ]
    repeated += [
        f"rows {source['rows']} of {called([source])}, some of which are contained already"
        for source in kept.sources
        if any(_overlap(source, other) for other in total.sources)
    ]
    if repeated:
        raise StateError(
            f"{path}: {name!r} must be merged once; got {repeated[0]}. "
            "Pass --allow-repeats to count those samples again."
        )


def _overlap(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Tell whether two are pieces of one whole that have rows in common."""
    if "whole" not in one or one["whole"] != other.get("whole"):
        return False
    (start, stop), (its_start, its_stop) = piece(one), piece(other)
    return start < its_stop and its_start < stop


def _relabelled(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Tell whether two are of the same samples, which count as other classes."""
    known = one.get(_DATA), other.get(_DATA)
    return all(known) and known[0] == known[1] and one["whole"] != other["whole"]


def _absent(name: str, kept: Kept) -> Iterator[str]:
    """Say which rows of a whole are in none of its pieces; refuse parts of different wholes."""
    wholes: dict[str, list[Mapping[str, str]]] = {}
    for source in kept.sources:
        if "whole" in source:
            wholes.setdefault(source["whole"], []).append(source)
    for pieces in wholes.values():
        absent, total = _gaps(pieces), int(pieces[0]["of"])
        if not absent:
            continue
        if len(wholes) > 1:
            raise StateError(
                f"{name!r} must be measured on all rows of each of its {len(wholes)} data sets; "
                f"got none of the rows {', '.join(absent)} of {total:,} of {called(pieces)}. "
                "Parts of one data set have the same --model, --data and --label-map."
            )
        yield f"rows {', '.join(absent)} of {total:,} are in no state"


def _gaps(pieces: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the rows of a whole, as ``FROM:TO``, that are in none of its pieces."""
    end, absent = 0, []
    total = int(pieces[0]["of"])
    for start, stop in [*sorted(map(piece, pieces)), (total, total)]:
        if start > end:
            absent.append(f"{end}:{start}")
        end = max(end, stop)
    return absent


def _together(first: Kept, second: Kept) -> Kept:
    options = {
        option: value
        for option, value in first.options.items()
        if second.options.get(option) == value
    }
    return Kept(
        first.measurement,
        first.sources + second.sources,
        {**options, "merged": True},
        first.rows + second.rows,
    )

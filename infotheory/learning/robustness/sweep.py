"""Networks under attacks of growing strength, measured batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from infotheory._validation import check_choice, check_count, check_flag, refusal
from infotheory.classifiers import NCMIReport
from infotheory.classifiers.told_once import collected, tell
from infotheory.learning.metrics import NCMIMetric
from infotheory.learning.networks.at_work import MeanAndStd, brought, in_mode, normaliser
from infotheory.learning.robustness.attacks import METHODS, NORMS, attack, check_radius
from infotheory.learning.robustness.report import RobustnessReport

__all__ = ["robustness_sweep"]

Scores: TypeAlias = "Callable[[Tensor], Tensor]"
_Key: TypeAlias = tuple[str, str, float]

_SEEDS = 2**62


def robustness_sweep(
    networks: nn.Module | Mapping[str, nn.Module],
    data: Any,
    *,
    epsilons: Sequence[float],
    methods: str | Sequence[str] = ("pgd",),
    norm: str = "linf",
    steps: int = 10,
    step_size: float | None = None,
    random_start: bool = True,
    restarts: int = 1,
    bounds: tuple[float, float] = (0.0, 1.0),
    preprocessing: MeanAndStd | None = None,
    scores: Scores | Mapping[str, Scores] | None = None,
    class_names: Sequence[str] | None = None,
    batch_size: int = 100,
    base: float | None = None,
    generator: torch.Generator | None = None,
    progress: bool = True,
) -> RobustnessReport:
    """Measure error, CMI, Gamma and NCMI of networks under attacks of growing strength.

    Parameters
    ----------
    networks : Module or mapping of str to Module
        One network, or several by name. Each sees attacks of its own, on its own device.
    data : (Tensor or ndarray, Tensor or ndarray) or iterable of such pairs
        Inputs, as :func:`attack` takes them, and labels; or batches of them, gone through once.
    epsilons : sequence of float
        How far a sample may move. 0 is no attack: the clean measurement.
    methods : sequence of {"pgd", "fgsm"}, or one of them, default ("pgd",)
        Which attacks.
    norm, steps, step_size, random_start, restarts, bounds, preprocessing
        As for :func:`attack`. A `step_size` holds for every epsilon; by default it grows with it.
    scores : callable or mapping of str to callable, optional
        Outputs to logits of the classes, for networks whose outputs are something else: one for
        all of them, or by name for those that need one.
    class_names : sequence of str, optional
        Names of the classes.
    batch_size : int, default 100
        Samples attacked together, where `data` is a pair.
    base : float, optional
        Base of the logarithm: 2 for bits. Nats by default.
    generator : torch.Generator, optional
        For the random starts; torch's own random numbers by default. All networks and strengths
        get the same draws, so that neither depends on what else is in the sweep.
    progress : bool, default True
        Show a progress bar, if it takes more than two seconds.

    Returns
    -------
    RobustnessReport

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or :func:`attack` refuses a batch.

    Notes
    -----
    Read NCMI beside the error. A strong attack drives samples far into other classes, where
    outputs are confident again: from some strength on Gamma grows and NCMI falls while the error
    goes to one.

    Nothing is kept of a batch but class sums: see :class:`infotheory.learning.NCMIMetric`.

    .. code-block:: python

        found = robustness_sweep(
            {"CE": plain, "CMIC": constrained}, (images, labels), epsilons=[0, 2 / 255, 8 / 255]
        )
        found.to_frame()
        found.plot()

    References
    ----------
    yang2023cmicdl, on robustness; madry2018towards
    """
    named = dict(networks) if isinstance(networks, Mapping) else _alone(networks)
    radii = sorted({check_radius("epsilons", epsilon) for epsilon in epsilons})
    methods = tuple(dict.fromkeys((methods,) if isinstance(methods, str) else methods))
    if not (named and radii and methods):
        empty = "networks" if not named else "methods" if radii else "epsilons"
        raise refusal(empty, "at least one", "none")
    for method in methods:
        check_choice("methods", method, METHODS)
    check_choice("norm", norm, NORMS)
    scoring = _by_name(scores, named)
    options: dict[str, Any] = {
        "norm": norm,
        "steps": steps,
        "step_size": step_size,
        "random_start": random_start,
    }
    options |= {"restarts": restarts, "bounds": bounds, "preprocessing": preprocessing}
    keys = [(name, method, epsilon) for name in named for method in methods for epsilon in radii]
    metrics = {
        key: NCMIMetric(class_names=class_names) for key in keys if _measured(key, methods[0])
    }
    for inputs, labels in _shown(data, check_count("batch_size", batch_size), progress):
        where = None if generator is None else generator.device
        seed = int(torch.randint(_SEEDS, (), generator=generator, device=where))
        for (name, method, epsilon), metric in metrics.items():
            network, logits = named[name], scoring.get(name)
            points = attack(
                network,
                brought(inputs, network),
                labels,
                method=method,
                epsilon=epsilon,
                scores=logits,
                generator=torch.Generator().manual_seed(seed),
                **options,
            )
            with in_mode(network, training=False), torch.no_grad():
                outputs = network(normaliser(preprocessing, points)(points))
                metric.update(outputs if logits is None else logits(outputs), labels)
    return RobustnessReport(_reports(metrics, keys, methods[0], base), norm)


def _alone(network: nn.Module) -> dict[str, nn.Module]:
    """Return one network under the name of its class."""
    if not isinstance(network, nn.Module):
        raise TypeError(
            "networks must be a torch.nn.Module or a mapping of names to these; got "
            f"{type(network).__name__}."
        )
    return {type(network).__name__: network}


def _by_name(
    scores: Scores | Mapping[str, Scores] | None, networks: Mapping[str, nn.Module]
) -> dict[str, Scores]:
    """Return what makes logits of the outputs of each network that needs it."""
    if scores is None:
        return {}
    if not isinstance(scores, Mapping):
        return dict.fromkeys(networks, scores)
    for name in scores:
        check_choice("scores", name, tuple(networks))
    return dict(scores)


def _shown(data: Any, batch_size: int, progress: bool) -> Iterator[tuple[Tensor, Any]]:
    """Yield batches of tensors, and show how far they have come."""
    size = getattr(getattr(data, "dataset", None), "__len__", lambda: None)()
    if isinstance(data, tuple | list) and len(data) == 2 and hasattr(data[0], "shape"):
        inputs, labels = (torch.as_tensor(part) for part in data)
        size = len(inputs)
        if len(labels) != size:
            raise refusal("data", "as many labels as inputs", f"{size} and {len(labels)}")
        data = zip(inputs.split(batch_size), labels.split(batch_size), strict=True)
    shown = check_flag("progress", progress)
    with tqdm(total=size, unit=" rows", delay=2, disable=not shown) as bar:
        for batch in data:
            if not (isinstance(batch, tuple | list) and len(batch) == 2):
                raise TypeError(
                    "data must be a pair of inputs and labels, or batches of these; got a batch "
                    f"of type {type(batch).__name__}."
                )
            inputs, labels = (torch.as_tensor(part) for part in batch)
            yield inputs, labels
            bar.update(len(labels))


def _measured(key: _Key, first: str) -> bool:
    """Tell whether a combination is measured: without attack all methods are the same."""
    _, method, epsilon = key
    return epsilon > 0.0 or method == first


def _reports(
    metrics: Mapping[_Key, NCMIMetric], keys: Sequence[_Key], first: str, base: float | None
) -> dict[_Key, NCMIReport]:
    """Return a report for each combination; warnings that they have in common come once."""
    with collected() as warned:
        found = {key: metric.compute(base=base) for key, metric in metrics.items()}
    tell(warned)
    return {
        (name, method, epsilon): found[name, method if epsilon > 0.0 else first, epsilon]
        for name, method, epsilon in keys
    }

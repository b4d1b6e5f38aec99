"""What a sweep of attacks found: a table, and curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infotheory._validation import refusal
from infotheory.classifiers import NCMIReport

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["RobustnessReport"]

_NUMBERS = ("n", "error", "cmi", "gamma", "ncmi", "cross_entropy", "unit")


@dataclass(frozen=True, eq=False, repr=False)
class RobustnessReport:
    """Networks under attack: a report for each network, method and epsilon.

    Attributes
    ----------
    reports : mapping of (str, str, float) to NCMIReport
        By the name of the network, the method and epsilon.
    norm : {"linf", "l2"}
        In which epsilon is measured.
    """

    reports: Mapping[tuple[str, str, float], NCMIReport]
    norm: str

    def __repr__(self) -> str:
        networks, methods, epsilons = (
            dict.fromkeys(part) for part in zip(*self.reports, strict=True)
        )
        return (
            f"RobustnessReport({', '.join(networks)}; {', '.join(methods)}; {self.norm}, epsilon "
            f"{', '.join(f'{epsilon:.4g}' for epsilon in epsilons)})"
        )

    def __getitem__(self, key: tuple[str, str, float]) -> NCMIReport:
        """Return the report of one network, method and epsilon."""
        if key not in self.reports:
            raise refusal("key", f"one of {list(self.reports)}", repr(key))
        return self.reports[key]

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as a table, a row for each network, method and epsilon.

        Returns
        -------
        DataFrame
            Columns network, method, norm, epsilon, n, error, cmi, gamma, ncmi, cross_entropy and
            unit.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = [
            {"network": network, "method": method, "norm": self.norm, "epsilon": epsilon}
            | {number: getattr(report, number) for number in _NUMBERS}
            for (network, method, epsilon), report in self.reports.items()
        ]
        return pd.DataFrame(rows)

    def plot(self, figure: Figure | None = None) -> Figure:
        """Draw the error and NCMI of each network against epsilon.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            An empty figure, best with ``layout="constrained"``; a new one by default.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        from infotheory.plotting.networks import robustness_figure

        return robustness_figure(self.to_frame(), figure)

"""The choices of CMI fine-tuning, checked and bound to the checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from infotheory._validation import check_choice, check_temperature
from infotheory.learning.functional.checks import check_share
from infotheory.learning.language.features import FEATURES
from infotheory.learning.losses.language import check_objective

__all__ = ["CMIArguments"]


@dataclass(frozen=True)
class CMIArguments:
    """How CMI enters the fine-tuning of a text classifier.

    Attributes
    ----------
    lam : float
        Weight of CMI, at least 0. No paper tells its values. CMI of features is small, about 0.01
        nats for a small encoder, where 10 is felt and 100 is too much; of outputs 0.05 to 1.
    beta : float
        Weight of Gamma, at least 0; 0 for a teacher.
    role : {"student", "teacher"}
        Whether CMI is made small, for a better model, or large, for a better teacher.
    space : {"feature", "output"}
        Of the features before the head, or of the output distributions.
    feature : {"pooled", "cls", "mean", "last_token"} or None
        Which features; None leaves it to the model. See :class:`FeatureReader`.
    feature_temperature : float
        T > 0 of softmax(h / T).
    centroid : {"ema", "epoch", "batch", "frozen", "reverse"}
        How the centroids are kept. See :class:`infotheory.learning.losses.LanguageCMILoss`.
    decay : float
        Of the moving averages, in [0, 1).

    Raises
    ------
    ValueError
        If one is out of range, or two do not go together.

    Examples
    --------
    >>> from infotheory.learning.language import CMIArguments
    >>> CMIArguments(lam=0.5, role="teacher", centroid="reverse").as_dict()["lam"]
    0.5
    """

    lam: float = 0.1
    beta: float = 0.0
    role: str = "student"
    space: str = "feature"
    feature: str | None = None
    feature_temperature: float = 1.0
    centroid: str = "ema"
    decay: float = 0.9

    def __post_init__(self) -> None:
        check_objective(self.lam, self.beta, self.role, self.space, self.centroid)
        if self.feature is not None:
            check_choice("feature", self.feature, FEATURES)
        check_temperature(self.feature_temperature)
        check_share("decay", self.decay, below_one=True)

    def as_dict(self) -> dict[str, Any]:
        """Return the choices by name, as JSON can hold them.

        Returns
        -------
        dict
        """
        return asdict(self)

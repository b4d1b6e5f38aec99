"""What a text classifier is measured by in evaluation: CMI, Gamma and NCMI in both spaces."""

from __future__ import annotations

from torch import Tensor

from infotheory.learning.callbacks import logged
from infotheory.learning.metrics import NCMIMetric

__all__ = ["Measurement"]


class Measurement:
    """CMI, Gamma and NCMI of outputs and of features, batch by batch, with fresh centroids.

    Parameters
    ----------
    n_classes : int
        C.
    feature_temperature : float, default 1.0
        T of softmax(h / T).

    Notes
    -----
    Exact for the samples taken in: no centroid of training is used. Sums are formed on the device
    of the tensors, in double precision; no output is kept.
    """

    def __init__(self, n_classes: int, feature_temperature: float = 1.0) -> None:
        self._outputs = NCMIMetric(n_classes)
        self._features = NCMIMetric(n_classes, temperature=feature_temperature)
        self._length = 0.0

    def update(self, logits: Tensor, features: Tensor, labels: Tensor) -> None:
        """Take in a batch.

        Parameters
        ----------
        logits : Tensor, shape (n, C)
            z.
        features : Tensor, shape (n, d)
            h.
        labels : Tensor of int, shape (n,)
            Classes in [0, C).
        """
        self._outputs.update(logits, labels)
        self._features.update(features, labels)
        self._length += float(features.double().norm(dim=1).sum())

    def numbers(self) -> dict[str, float]:
        """Return what was measured.

        Returns
        -------
        dict of str to float
            "cmi", "gamma", "ncmi" and "error" of the outputs; "feature_cmi", "feature_gamma",
            "feature_ncmi" and the mean length "feature_norm" of the features. Empty where nothing
            was taken in.
        """
        if not self._outputs.n:
            return {}
        features = logged(self._features)
        del features["error"]  # features name no classes
        found = {f"feature_{name}": value for name, value in features.items()}
        norm = self._length / self._features.n
        return logged(self._outputs) | found | {"feature_norm": norm}

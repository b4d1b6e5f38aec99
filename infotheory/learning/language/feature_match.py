"""How far the feature vectors of a student are from those of its teacher."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own name for it
from torch import Tensor, nn

from infotheory._validation import check_count
from infotheory.learning.functional.checks import in_full_precision

__all__ = ["FeatureMatch"]


class FeatureMatch(nn.Module):
    """1 - cos(W h, t) of each row, for features h of the student and t of the teacher.

    Parameters
    ----------
    n_student, n_teacher : int
        Widths of both. Where they differ, W is a learned matrix; where not, there is none.
    seed : int, default 0
        Of the matrix; the state of the random numbers of torch is left as it is.

    Raises
    ------
    ValueError
        If a width is not positive.

    Notes
    -----
    From 0 to 2; lengths of the vectors do not matter. DistilBERT is pre-trained with this term
    beside others, on the states of each token; here it is one vector a text.

    Examples
    --------
    >>> import torch
    >>> from infotheory.learning.language.feature_match import FeatureMatch
    >>> student, teacher = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[2.0, 0], [-1, 0]])
    >>> FeatureMatch(2, 2)(student, teacher)
    tensor([0., 2.])
    """

    def __init__(self, n_student: int, n_teacher: int, *, seed: int = 0) -> None:
        super().__init__()
        check_count("n_student", n_student)
        check_count("n_teacher", n_teacher)
        self.map: nn.Module = nn.Identity()
        if n_student != n_teacher:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                self.map = nn.Linear(n_student, n_teacher, bias=False)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return the term of each row.

        Parameters
        ----------
        student : Tensor, shape (n, d_s)
            Gets gradients, as the map does.
        teacher : Tensor, shape (n, d_t)
            Gets none.

        Returns
        -------
        Tensor, shape (n,)
        """
        found: Tensor = _distance(student, teacher, self.map)
        return found


@in_full_precision
def _distance(student: Tensor, teacher: Tensor, map_: Any) -> Tensor:
    mapped = map_(student)
    return 1.0 - F.cosine_similarity(mapped, teacher.detach().to(mapped.dtype), dim=1)

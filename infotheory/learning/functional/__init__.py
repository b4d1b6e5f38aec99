"""Pure functions of tensors, on any device."""

from infotheory.learning.functional.class_sums import class_sums
from infotheory.learning.functional.tensor_sums import TensorSums

__all__ = ["TensorSums", "class_sums"]

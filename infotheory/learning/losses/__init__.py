"""Losses as modules: arguments, state, reduction; the mathematics is in `functional`."""

from infotheory.learning.losses.baselines import CenterLoss, ConfidencePenaltyLoss, FocalLoss
from infotheory.learning.losses.classification import CMICLoss
from infotheory.learning.losses.codewords import NCMILoss
from infotheory.learning.losses.distillation import DISTLoss, KDLoss, TTMLoss, WTTMLoss
from infotheory.learning.losses.language import LanguageCMILoss
from infotheory.learning.losses.teacher import MCMITeacherLoss

__all__ = [
    "CMICLoss",
    "CenterLoss",
    "ConfidencePenaltyLoss",
    "DISTLoss",
    "FocalLoss",
    "KDLoss",
    "LanguageCMILoss",
    "MCMITeacherLoss",
    "NCMILoss",
    "TTMLoss",
    "WTTMLoss",
]

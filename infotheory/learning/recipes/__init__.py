"""Experiments as TOML files: read, checked, run by ``infotheory train``."""

from infotheory.learning.recipes.recipe import Recipe, read_recipe, shipped_recipes
from infotheory.learning.recipes.running import run_recipe

__all__ = ["Recipe", "read_recipe", "run_recipe", "shipped_recipes"]

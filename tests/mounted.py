"""Gives tests the modules of the worker world as the worker has them: below the private package "suite"."""

import importlib
import sys
import types
from pathlib import Path

ROOT = Path(__file__).parent.parent


def worker_module(name: str) -> types.ModuleType:
    """Return ROOT/NAME ("models.layers"); two calls return the same module, so that layer types are the same types."""
    if "suite" not in sys.modules:
        package = types.ModuleType("suite")
        package.__path__ = [str(ROOT)]
        sys.modules["suite"] = package
    return importlib.import_module(f"suite.{name}")

"""The emitted module stands alone: it runs where nothing but NumPy can be imported, and imports nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import codegen
import derive

#: Runs before the emitted module: whatever is not NumPy or Python's own fails to import, as if it were not installed.
BLOCKADE = """
import sys

class Blockade:
    def find_spec(self, name, path=None, target=None):
        root = name.split(".")[0]
        if root == "numpy" or root in sys.stdlib_module_names or root == "emitted":
            return None
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blockade())
for absent in ("sympy", "derive", "codegen", "matplotlib"):
    try:
        __import__(absent)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{absent} can be imported")
"""

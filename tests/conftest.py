"""What every test file shares."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# SymPy keeps 1,000 of its results unless it is told otherwise before it is imported; the suite asks for more, again.
os.environ.setdefault("SYMPY_CACHE_SIZE", "20000")
# What the tests start is compiled once, and not at every start.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# JAX compiles every small pass anew; what it compiles is run once.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

# What is derived is kept, and there are hardly any rings of garbage in it: they are looked for seldom.
gc.set_threshold(100_000, 20, 100)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that the suite has of its own."""
    parser.addoption("--update-golden", action="store_true", help="write the files under tests/golden anew")
    parser.addoption("--thorough", action="store_true", help="run the long sweeps to their end, for some minutes more")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked ``thorough`` unless it is asked for."""
    if config.getoption("--thorough"):
        return
    left_out = [item for item in items if item.get_closest_marker("thorough")]
    if left_out:
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left_out)


def pytest_collection_finish() -> None:
    """Look for garbage no more among the tests themselves."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def figures() -> dict[str, Any]:
    """The figures that the source notebooks print, with the inputs they come from and their tolerances."""
    text = Path(__file__).with_name("figures.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20240229)

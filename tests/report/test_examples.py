"""Every example in the report's docstrings runs and says what it shows."""

import doctest
import importlib
import pkgutil

import pytest

import report

MODULES = sorted(module.name for module in pkgutil.iter_modules(report.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"report.{name}"))
    assert found.failed == 0

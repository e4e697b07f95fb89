"""Every worked example in the judge runs and says what it prints."""

import doctest
import importlib
import pkgutil

import pytest

import judge

MODULES = [module.name for module in pkgutil.iter_modules(judge.__path__, "judge.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_module_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0

"""Each known trap of the libraries has its test."""

import ast
from pathlib import Path

import pytest

from tests.faults import TRAPS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_has_its_tests(trap: str) -> None:
    assert TRAPS[trap]
    for test in TRAPS[trap]:
        path, _, name = test.partition("::")
        functions = ast.walk(ast.parse((ROOT / path).read_text()))
        assert name in {getattr(node, "name", "") for node in functions}, test

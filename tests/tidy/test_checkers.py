"""The linter, the formatter, the type checker and the import contracts find nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT

PROGRAMS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        "ruff check --no-cache",
        "ruff format --check --no-cache",
        "mypy",
        "lint-imports --no-cache",
    ],
)
def test_finds_nothing(command: str) -> None:
    program, *arguments = command.split()
    checked = subprocess.run(
        [str(PROGRAMS / program), *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, f"{command} found:\n{checked.stdout}{checked.stderr}"

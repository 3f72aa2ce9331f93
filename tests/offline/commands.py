"""Runs the command line as an operator does."""

import subprocess
from pathlib import Path

from tests import program


def bongsu(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a data directory. Whatever happens, it is never a stack trace."""
    command, *rest = arguments
    group = [command, rest.pop(0)] if command in ("user", "token") else [command]
    done = program.run(*group, "--data", data, *rest)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def succeeds(data: Path, *arguments: str) -> str:
    """Run a command that must succeed; what it says."""
    done = bongsu(data, *arguments)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def fails(data: Path, *arguments: str, status: int = 1) -> str:
    """Run a command that must fail with a sentence; what it says."""
    done = bongsu(data, *arguments)
    assert done.returncode == status, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr

"""What the tidy tests look at: the files of the project, its Python code, and who imports whom."""

import ast
import functools
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grimp

ROOT = Path(__file__).parents[2]
CODE_SUFFIXES = frozenset({".py", ".js", ".mjs", ".ts", ".svelte", ".sh"})
PROSE_SUFFIXES = frozenset(
    {".md", ".toml", ".txt", ".in", ".json", ".yml", ".yaml", ".svg", ".html", ".css", ""}
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def bounds() -> dict[str, Any]:
    """The numbers in tidy.toml."""
    return tomllib.loads(Path(__file__).with_name("tidy.toml").read_text(encoding="utf-8"))


@functools.cache
def files() -> tuple[Path, ...]:
    """Every file of the project, committed or about to be."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in sorted(paths) if path.is_file())


def text_files() -> Iterator[tuple[str, str]]:
    """Name and text of every file that people write or read."""
    for path in files():
        if path.suffix in CODE_SUFFIXES | PROSE_SUFFIXES:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def python_files(*folders: str) -> list[Path]:
    """The Python files below some folders of the project."""
    return [path for path in files() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Each function of a file: where it stands, and its lines."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, Function):
            assert node.end_lineno is not None
            yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


@functools.cache
def imports() -> grimp.ImportGraph:
    """Who imports whom in the program, imports inside functions included."""
    return grimp.build_graph("bongsu", include_external_packages=True, cache_dir=None)


def modules() -> list[str]:
    """The modules of the program."""
    return sorted(name for name in imports().modules if name.split(".")[0] == "bongsu")


def is_package(name: str) -> bool:
    """Whether a module of the program is a folder."""
    return (ROOT / Path(*name.split("."))).is_dir()

"""Files and functions stay short enough to be read; every module says what it is for."""

import ast
import statistics
import tomllib
from pathlib import Path

from bongsu.config import SETTINGS
from tests.tidy.tree import CODE_SUFFIXES, ROOT, bounds, files, functions, parsed, python_files

WRITTEN_BY_HAND = ("bongsu", "tests", "tools", "bench")


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_file_is_too_long() -> None:
    too_long = {
        str(path.relative_to(ROOT)): lines(path)
        for path in files()
        if path.suffix in CODE_SUFFIXES and lines(path) > bounds()["file_lines_max"]
    }
    assert too_long == {}


def test_files_are_short_on_the_whole() -> None:
    lengths = [lines(path) for path in python_files("bongsu")]
    assert statistics.median(lengths) <= bounds()["file_lines_median_max"]
    assert sum(lengths) <= bounds()["program_lines_max"]


def test_no_function_is_too_long() -> None:
    too_long = {
        where: length
        for path in python_files(*WRITTEN_BY_HAND)
        for where, length in functions(path)
        if length > bounds()["function_lines_max"]
    }
    assert too_long == {}


def test_functions_are_short_on_the_whole() -> None:
    lengths = [length for path in python_files("bongsu") for _, length in functions(path)]
    assert statistics.quantiles(lengths, n=10)[-1] <= bounds()["function_lines_p90_max"]


def test_every_module_has_a_charter() -> None:
    without = []
    for path in python_files("bongsu", "tools", "bench"):
        charter = ast.get_docstring(parsed(path)) or ""
        if not 1 <= len(charter.splitlines()) <= bounds()["charter_lines_max"]:
            without.append(str(path.relative_to(ROOT)))
    assert without == []


def test_settings_and_dependencies_stay_few() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert len(project["dependencies"]) <= bounds()["dependencies_max"]
    assert len(SETTINGS) <= bounds()["settings_max"]

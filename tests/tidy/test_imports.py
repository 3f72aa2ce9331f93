"""Who may import whom, beyond the layers that import-linter holds (pyproject.toml)."""

import fnmatch
import graphlib
import statistics

from tests.tidy.tree import bounds, imports, is_package, modules


def test_no_import_cycle() -> None:
    inside = {name: imports().find_modules_directly_imported_by(name) & {*modules()} for name in modules()}
    # A module names its own package to reach a neighbour; that is no dependency of what it contains.
    sorter = graphlib.TopologicalSorter(
        {name: {each for each in found if not name.startswith(each + ".")} for name, found in inside.items()}
    )
    sorter.prepare()  # raises CycleError, which names the cycle


def test_pure_modules_stay_pure() -> None:
    pure = [name for name in modules() if any(fnmatch.fnmatchcase(name, each) for each in bounds()["pure"])]
    for pattern in bounds()["pure"]:
        assert fnmatch.filter(pure, pattern), f"tidy.toml calls {pattern} pure, but there is no such module"
    chains = [
        " -> ".join(chain)
        for name in pure
        for impure in bounds()["impure_imports"]
        if impure in imports().modules
        and (chain := imports().find_shortest_chain(importer=name, imported=impure)) is not None
    ]
    assert chains == []


def test_no_module_is_dead() -> None:
    dead = [
        name
        for name in modules()
        if name not in bounds()["entry_points"]
        and not is_package(name)
        and not imports().find_modules_that_directly_import(name)
    ]
    assert dead == []


def test_modules_import_few_others() -> None:
    counts = [len(imports().find_modules_directly_imported_by(name) & {*modules()}) for name in modules()]
    assert statistics.mean(counts) <= bounds()["imports_mean_max"]

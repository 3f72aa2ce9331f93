"""A copy of one site, restored under a key of its own, holds what the other sites hold."""

from pathlib import Path

from tests import program
from tests.offline.commands import succeeds
from tests.sites.conftest import Lab
from tests.sites.test_repair import root_key, talk


def test_a_restored_copy_agrees_with_the_sites(lab: Lab, tmp_path: Path) -> None:
    talk(lab)
    copy, data = tmp_path / "copy", tmp_path / "data"
    succeeds(Path(lab.node("a").data), "backup", "--out", str(copy))
    assert not copy.with_name("copy.key").exists(), "a copy has the key only if that is asked for"
    done = program.run("restore", "--data", data, "--root-key", root_key(lab), copy)
    assert done.returncode == 0, done.stderr
    assert "new key" in done.stdout
    arguments = ("verify", "--root-key", root_key(lab), "--against", lab.node("b").private)
    assert succeeds(data, *arguments).endswith("No problem found.")


def test_running_nodes_are_compared_by_their_listeners(lab: Lab) -> None:
    talk(lab)
    others = [word for site in ("b", "c") for word in ("--against", lab.node(site).private)]
    done = program.run("verify", "--url", lab.node("a").private, *others)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Comparing 3 nodes" in done.stdout

"""Two core sites that cannot reach each other: what one lacks is carried, and the other shows it once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bongsu.bearer.carry import MAGIC
from bongsu.lab import commands, processes
from bongsu.lab.plan import NodePlan, Plan
from tests import program
from tests.api.client import User, http_client

PATH = "/_bongsu/client/v1/courier"


@pytest.fixture
def plan(tmp_path: Path) -> Iterator[Plan]:
    made = commands.up(tmp_path / "lab", 2, tls=False)
    try:
        yield made
    finally:
        commands.down(made)


@contextmanager
def person(at: NodePlan, like: User | None = None) -> Iterator[User]:
    """Somebody new at a site, or somebody who moves there."""
    with http_client(at.url) as http:
        user = User(http, "courier")
        if like is None:
            user.register()
        else:
            user.user_id, user.device_id, user.access_token = like.user_id, like.device_id, like.access_token
        yield user


def carry(*arguments: object, status: int = 0) -> str:
    done = program.run("carry", *arguments)
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    assert done.returncode == status, said
    return said


def node(plan: Plan, site: str) -> NodePlan:
    found = plan.find(site)
    assert isinstance(found, NodePlan)
    return found


def stop(plan: Plan, *names: str) -> None:
    processes.end([plan.find(name) for name in names])
    plan.save()


def at_data(found: NodePlan) -> tuple[str, ...]:
    return ("--config", found.config)


def bodies(user: User, room: str) -> list[str]:
    page = user.get("rooms", room, "messages", dir="f", limit="50")
    return [each["content"]["body"] for each in page["chunk"] if each["type"] == "m.room.message"]


def test_what_was_written_alone_is_carried_to_the_other_side(plan: Plan, tmp_path: Path) -> None:
    a, b = node(plan, "a"), node(plan, "b")
    file, back = tmp_path / "to-core.carry", tmp_path / "back.carry"
    with person(a) as user:
        room = user.create_room()
        user.send(room, "while both are linked")
        stop(plan, "b", "nats-b")
        user.send(room, "while b is gone")
        carry("export", "--url", a.url, "--to", "core", file)
        said = json.loads(carry("inspect", "--json", file))
        assert (said["from"], said["to"], said["bytes"]) == ("a", "core", file.stat().st_size)
        assert b"while b is gone" not in file.read_bytes()
        assert "made this file itself" in carry("import", "--url", a.url, file, status=1)
        assert ": 1 records are new" in carry("import", *at_data(b), file)
        assert ": 0 records are new" in carry("import", *at_data(b), file)

        stop(plan, "a", "nats-a")
        commands.start(plan, "nats-b")
        commands.start(plan, "b")
        with person(b, user) as moved:
            assert bodies(moved, room) == ["while both are linked", "while b is gone"]
            moved.send(room, "b alone")
        carry("export", "--url", b.url, "--to", "a", back)
        carry("import", *at_data(a), back)
        stop(plan, "b", "nats-b")
        commands.start(plan, "nats-a")
        commands.start(plan, "a")
        assert bodies(user, room) == ["while both are linked", "while b is gone", "b alone"]


def test_a_file_that_is_none_gets_a_sentence(plan: Plan, tmp_path: Path) -> None:
    a = node(plan, "a")
    file = tmp_path / "file"
    file.write_bytes(b"not a file of bundles")
    assert "not a file of bundles" in carry("inspect", file, status=1)
    assert "not a file of bundles" in carry("import", "--url", a.url, file, status=1)
    cut = tmp_path / "cut"
    cut.write_bytes(MAGIC + b"\x00\x00")
    said = carry("import", "--url", a.url, cut, status=1)
    assert "ends before it says for whom it is" in said
    assert "Nothing of this file was taken" in said
    assert (
        "is the stick in"
        in carry("export", "--url", a.url, "--to", "core", tmp_path / "no-stick" / "file", status=1).lower()
    )
    assert "sealed for the site mars" in carry("export", "--url", a.url, "--to", "mars", file, status=1)
    with http_client(a.url) as http:
        assert http.post(PATH, content=b"").json()["errcode"] == "M_INVALID_PARAM"
        assert http.get(f"{PATH}/export").json()["errcode"] == "M_MISSING_PARAM"
        assert http.get(f"{PATH}/files/00").status_code == 404
        listed = http.get(PATH).json()
    assert listed["site"] == "a"
    assert [each["to"] for each in listed["waiting"]] == ["core"]
    assert listed["kept"] == []


def test_a_file_cut_short_is_taken_as_far_as_it_goes(plan: Plan, tmp_path: Path) -> None:
    a, b = node(plan, "a"), node(plan, "b")
    with person(a) as user:
        room = user.create_room()
        stop(plan, "b", "nats-b")
        for number in range(30):
            user.send(room, f"message {number}")
    whole, short = tmp_path / "whole.carry", tmp_path / "short.carry"
    carry("export", "--url", a.url, "--to", "core", whole)
    short.write_bytes(whole.read_bytes()[:-20])
    assert "ends early" in carry("import", *at_data(b), short, status=1)
    assert ": 0 records are new" in carry("import", *at_data(b), whole)

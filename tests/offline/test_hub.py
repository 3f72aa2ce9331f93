"""A hub is set up, let in and given residents, as operators do it."""

from pathlib import Path

import pytest

from bongsu.config_load import load
from tests.api.client import PASSWORD
from tests.offline.test_sites import Operator


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def init(operator: Operator, data: Path, answers: str) -> str:
    return operator.does("hub", "init", "--data", data, given=answers)


def test_three_questions_make_a_hub(operator: Operator) -> None:
    core, data = operator.folder / "core", operator.folder / "jongno"
    operator.let_in(core)
    answers = "jongno\nhttps://jongno.talk.example.kr\nhttps://talk.example.kr:8449\n"
    said = init(operator, data, answers)
    request = next(part for part in said.split() if part.startswith("request:"))
    again = init(operator, data, answers)
    assert request in again, "the key stays"
    certificate = operator.does("site", "add", "--root", operator.root, *operator.opens, request)
    settings = data / "hub.toml"
    install = ("site", "install", "--config", settings, "--root-key", operator.root_key, certificate)
    assert operator.does(*install).endswith("is a hub node of the site jongno.")
    config = load({}, {}, settings)
    assert (config.role, config.site, config.server_name) == ("hub", "jongno", "talk.example.kr")
    assert config.peers == ("https://talk.example.kr:8449",)
    assert (config.tls_order, config.tls) == (True, data / "tls"), "its certificate comes by replication"
    assert config.listen == "0.0.0.0:443", "it is where browsers look for its address"
    name = ("--server-name", "talk.example.kr", "--password", PASSWORD)
    for user in ("kim", "lee"):
        operator.does("user", "add", "--data", core, *name, user)
    assert "There is no hub called jongno" in operator.fails(
        "hub", "residents", "add", "--data", core, "--hub", "jongno", "kim"
    )


def test_a_hub_of_another_name_orders_no_certificate(operator: Operator) -> None:
    data = operator.folder / "elsewhere"
    for address in ("https://town.example.kr", "http://jongno.talk.example.kr"):
        init(operator, data, f"jongno\n{address}\nhttps://talk.example.kr:8449\n")
        text = (data / "hub.toml").read_text(encoding="utf-8")
        assert "tls_order" not in text
        assert "0.0.0.0:8008" in text


def test_the_request_of_a_hub_comes_before_its_service(operator: Operator) -> None:
    """As deploy/hub/install asks for it: the root key comes only with the answer."""
    data = operator.folder / "r17"
    request = operator.does("site", "request", "--data", data, "--site", "r17", "--role", "hub")
    settings = operator.folder / "hub.toml"
    lines = (f'data = "{data}"', 'site = "r17"', 'role = "hub"', 'peers = ["https://talk.example.kr:8449"]')
    settings.write_text("\n".join(lines), encoding="utf-8")
    assert operator.does("site", "request", "--config", settings) == request
    certificate = operator.does("site", "add", "--root", operator.root, *operator.opens, request)
    said = operator.does("site", "install", "--data", data, "--root-key", operator.root_key, certificate)
    assert said.endswith("is a hub node of the site r17.")
    assert load({}, {}, settings).role == "hub"


def test_who_runs_a_hub_is_named_or_asked_for(operator: Operator) -> None:
    data = operator.folder / "jongno"
    answers = "jongno\nhttps://jongno.talk.example.kr:8443\nhttps://talk.example.kr:8449\n"
    init = ("hub", "init", "--data", data)
    assert "operators" in operator.run(*init, given=answers).stderr
    named = operator.run(*init, "--operator", "@kim:talk.example.kr", given=answers)
    assert named.returncode == 0
    assert "operators" not in named.stderr
    text = (data / "hub.toml").read_text(encoding="utf-8")
    assert 'operators = ["@kim:talk.example.kr"]' in text
    assert 'listen = "0.0.0.0:8443"' in text
    assert "user id" in operator.fails(*init, "--operator", "kim", given=answers)


def test_what_cannot_be_a_hub_is_a_sentence(operator: Operator) -> None:
    data = operator.folder / "hub"
    bad_name = operator.fails("hub", "init", "--data", data, given="종로\nhttps://x.kr\nhttps://y.kr:1\n")
    assert "The setting site is '종로'" in bad_name
    bad_core = operator.fails("hub", "init", "--data", data, given="h\nhttps://x.kr\nnowhere\n")
    assert "The setting" in bad_core
    assert not (data / "hub.toml").exists()

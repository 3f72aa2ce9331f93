"""Where settings come from, and the sentences that refuse them."""

import re
from pathlib import Path

import pytest

from bongsu import enrolment
from bongsu.config_load import load
from bongsu.setting_values import SettingError


def refusal(**arguments: object) -> str:
    with pytest.raises(SettingError) as caught:
        load(arguments, {})
    return str(caught.value)


def test_defaults() -> None:
    settings = load({}, {})
    assert settings.registration == "token"
    assert settings.listen == "127.0.0.1:8008"
    assert (settings.host, settings.port) == ("127.0.0.1", 8008)
    assert settings.base_url == "http://127.0.0.1:8008"
    assert settings.rate_limits is True
    assert settings.given == frozenset()


def test_command_line_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "bongsu.toml"
    file.write_text('site = "file"\nserver_name = "file.example"\nlog_level = "debug"\n', encoding="utf-8")
    environment = {"BONGSU_SITE": "environment", "BONGSU_SERVER_NAME": "environment.example", "HOME": "/"}
    settings = load({"site": "line", "server_name": None}, environment, file)
    assert settings.site == "line"
    assert settings.server_name == "environment.example"
    assert settings.log_level == "debug"
    assert settings.given == {"site", "server_name", "log_level"}


def test_environment_may_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bongsu.toml"
    file.write_text("upload_bytes_max = 5\npresence = false\nrate_limits = 'off'\n", encoding="utf-8")
    settings = load({}, {"BONGSU_CONFIG": str(file), "BONGSU_FREE_BYTES_MIN": "7"})
    assert (settings.upload_bytes_max, settings.free_bytes_min) == (5, 7)
    assert (settings.presence, settings.rate_limits) == (False, False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen", "8008"),
        ("listen", "localhost:65536"),
        ("listen", "localhost:0"),
        ("listen", "::1:8008"),
        ("server_name", "Talk.Example"),
        ("server_name", "talk example"),
        ("server_name", ""),
        ("site", "-"),
        ("site", "a" * 33),
        ("role", "tower"),
        ("registration", "on"),
        ("rate_limits", "yes"),
        ("rate_limits", 1),
        ("public_url", "talk.example.kr"),
        ("public_url", "https://talk.example.kr/?a=b"),
        ("default_room_version", "9"),
        ("default_room_version", 12),
        ("upload_bytes_max", "-1"),
        ("upload_bytes_max", True),
        ("upload_bytes_max", "1e9"),
        ("free_bytes_min", 2**60),
        ("admin_contact", "the mayor"),
        ("log_level", "loud"),
        ("data", "README.md"),
        ("trusted_proxies", "10.0.0.0/8, the proxy"),
        ("trusted_proxies", "10.0.0.1/8"),
        ("trusted_proxies", 7),
        ("trusted_proxies", [7.5]),
        ("media_bytes_per_user_max", "-1"),
    ],
)
def test_a_bad_value_is_refused_by_name_with_reason(name: str, value: object) -> None:
    assert re.fullmatch(
        rf"The setting {name} is .* in the command line, but (it must|that is not).*\.",
        refusal(**{name: value}),
    )


def test_an_unknown_setting_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "bongsu.toml"
    file.write_text("lissen = 'x'\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"no setting lissen, but the file .* gives it"):
        load({}, {}, file)
    with pytest.raises(SettingError, match="no setting portt, but the environment gives it"):
        load({}, {"BONGSU_PORTT": "1"})


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"absent.toml cannot be read: No such file"):
        load({}, {}, tmp_path / "absent.toml")
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"site = \xff")
    with pytest.raises(SettingError, match=r"broken.toml is not TOML"):
        load({}, {}, broken)


def test_settings_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    assert "with a root key" in refusal(role="hub")
    assert "end in :localhost for ever" in refusal(public_url="https://talk.example.kr")
    for name in ("certificate.pem", "key.pem"):
        (tmp_path / name).touch()
    assert "contradict each other" in refusal(peer_plain=True, peer_tls=str(tmp_path))
    assert load({"public_url": "http://127.0.0.1:9/"}, {}).base_url == "http://127.0.0.1:9"
    assert load({"public_url": "https://talk.example.kr", "server_name": "example.kr"}, {}).site == "main"


def test_certificates_are_asked_for_by_hubs_and_ordered_by_data_centres(tmp_path: Path) -> None:
    hub = {"role": "hub", "root_key": "A" * 43, "public_url": "https://r17.talk.example", "tls_order": True}
    hub |= {"server_name": "talk.example", "data": str(tmp_path)}
    assert load(hub, {}).tls == tmp_path / "tls"
    with pytest.raises(SettingError, match="tls_order is for hubs"):
        load({"tls_order": True}, {})
    program = tmp_path / "hook"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(SettingError, match="no file that can be run"):
        load({"certificate_hook": str(program)}, {})
    program.chmod(0o700)
    assert load({"certificate_hook": str(program)}, {}).certificate_hook == program
    with pytest.raises(SettingError, match="for data centres"):
        load({**hub, "certificate_hook": str(program)}, {})


@pytest.mark.parametrize("listen", ["0.0.0.0:8008", "[::]:8008", "192.0.2.7:80", "talk.example:80"])
def test_open_registration_stays_on_this_machine(listen: str) -> None:
    sentence = refusal(registration="open", listen=listen)
    assert sentence.startswith(f"The setting registration is open, but listen is {listen}:")
    given = {"registration": "open", "listen": listen, "open_registration_anywhere": "on"}
    assert load(given, {}).registration == "open"
    assert load({"registration": "token", "listen": listen}, {}).listen == listen


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "[::1]:1", "localhost:1", "127.3.2.1:1"])
def test_open_registration_on_loopback(listen: str) -> None:
    assert load({"registration": "open", "listen": listen}, {}).registration == "open"


def test_trusted_proxies_are_addresses_and_networks(tmp_path: Path) -> None:
    assert load({}, {}).trusted_proxies == ()
    expected = ["10.0.0.7/32", "fd00::/8"]
    in_environment = load({}, {"BONGSU_TRUSTED_PROXIES": "10.0.0.7, fd00::/8"})
    file = tmp_path / "bongsu.toml"
    file.write_text('trusted_proxies = ["10.0.0.7", "fd00::/8"]\n', encoding="utf-8")
    for found in (in_environment, load({}, {}, file)):
        assert [str(each) for each in found.trusted_proxies] == expected


def test_a_data_directory_keeps_its_server_name() -> None:
    new, named = load({}, {}), load({"server_name": "a.example"}, {})
    assert enrolment.check_same_service(None, named).server_name == "a.example"
    assert enrolment.check_same_service("a.example", named).server_name == "a.example"
    assert enrolment.check_same_service("a.example", new).server_name == "a.example"
    with pytest.raises(
        SettingError, match=r"server_name is a\.example, but the data in data belongs to b\.example"
    ):
        enrolment.check_same_service("b.example", named)


@pytest.mark.parametrize("address", ["0.0.0.0:9009", "[::]:9009", "example.kr:9009", "8.8.8.8:1"])
def test_the_private_listener_stays_private(address: str) -> None:
    with pytest.raises(SettingError, match="private_listen"):
        load({"private_listen": address}, {})


@pytest.mark.parametrize("address", ["127.0.0.1:9009", "[::1]:9009", "10.1.2.3:9009", "[fd00::7]:9009"])
def test_the_private_listener_takes_private_addresses(address: str) -> None:
    assert load({"private_listen": address}, {}).private_listen == address

"""What makes a machine a hub: the files it writes fit the program, the network's services and each other."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from bongsu.config import SETTINGS
from bongsu.hub.plain import PROBES

HUB = Path(__file__).parents[3] / "deploy" / "hub"
VALUES = (HUB / "hub.env.example").read_text(encoding="utf-8")


def install(tmp_path: Path, values: str) -> subprocess.CompletedProcess[str]:
    """As the manual says it: the values by their bare name, in the folder where one stands."""
    (tmp_path / "hub.env").write_text(values, encoding="utf-8")
    return subprocess.run(
        [str(HUB / "install"), "--render", str(tmp_path / "root"), "hub.env"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    done = install(tmp_path, VALUES)
    assert done.returncode == 0, done.stderr
    return tmp_path / "root" / "etc"


def test_the_settings_are_the_programs(root: Path) -> None:
    settings = tomllib.loads((root / "bongsu" / "hub.toml").read_text(encoding="utf-8"))
    assert set(settings) <= set(SETTINGS)
    assert settings["tls_order"] is True, "a data centre orders the certificate of this name"
    for name, value in settings.items():
        SETTINGS[name].metadata["parse"](value)
    assert settings["public_url"] == "https://r17.talk.example.kr"


def test_a_name_that_no_data_centre_orders_for_has_its_files(tmp_path: Path) -> None:
    values = VALUES.replace("REGION_NAME=r17.talk.example.kr", "REGION_NAME=town.example.kr")
    assert install(tmp_path, values).returncode == 0
    text = (tmp_path / "root" / "etc" / "bongsu" / "hub.toml").read_text(encoding="utf-8")
    settings = tomllib.loads(text)
    assert settings["tls"] == "/etc/bongsu/tls"
    assert "tls_order" not in settings


def test_the_regions_name_leads_to_the_address_the_hub_listens_on(root: Path) -> None:
    names = (root / "dnsmasq.d" / "bongsu.conf").read_text(encoding="utf-8")
    settings = tomllib.loads((root / "bongsu" / "hub.toml").read_text(encoding="utf-8"))
    address = settings["listen"].partition(":")[0]
    # A record: `address=/NAME/` beside `address=/#/` says of AAAA that there is no such name, for any type.
    assert f"host-record=r17.talk.example.kr,{address}" in names
    assert re.findall("^address=.*", names, re.MULTILINE) == ["address=/#/"]
    network = (root / "systemd" / "network" / "20-bongsu-wifi.network").read_text(encoding="utf-8")
    assert f"Address={address}/24" in network
    assert settings["plain_listen"].partition(":")[0] == address
    assert len(PROBES) >= 5


def test_who_runs_the_hub_stands_in_its_settings(tmp_path: Path) -> None:
    def named(operators: str) -> object:
        values = re.sub(r"OPERATORS=\S*", f"OPERATORS='{operators}'", VALUES)
        done = install(tmp_path, values)
        assert done.returncode == 0, done.stderr
        text = (tmp_path / "root" / "etc" / "bongsu" / "hub.toml").read_text(encoding="utf-8")
        return tomllib.loads(text)["operators"]

    assert named("@kim:talk.example.kr,@lee+r17:talk.example.kr") == [
        "@kim:talk.example.kr",
        "@lee+r17:talk.example.kr",
    ]
    assert named("") == []


def test_settings_that_were_changed_by_hand_stay(tmp_path: Path) -> None:
    install(tmp_path, VALUES)
    settings = tmp_path / "root" / "etc" / "bongsu" / "hub.toml"
    by_hand = settings.read_text(encoding="utf-8") + 'log_level = "debug"\n'
    settings.write_text(by_hand, encoding="utf-8")
    done = install(tmp_path, VALUES.replace("@kim:", "@lee:"))
    assert "hub.toml.new" in done.stderr
    assert settings.read_text(encoding="utf-8") == by_hand
    assert "@lee:" in settings.with_name("hub.toml.new").read_text(encoding="utf-8")


def test_the_machine_itself_knows_the_hubs_name_once(tmp_path: Path) -> None:
    hosts = tmp_path / "root" / "etc" / "hosts"
    hosts.parent.mkdir(parents=True)
    hosts.write_text("127.0.0.1\tlocalhost\n", encoding="utf-8")
    install(tmp_path, VALUES)
    install(tmp_path, VALUES.replace("LAN_ADDRESS=10.42.17.1", "LAN_ADDRESS=10.42.18.1"))
    ours = "10.42.18.1\tr17.talk.example.kr\t# bongsu-hub\n"
    assert hosts.read_text(encoding="utf-8") == f"127.0.0.1\tlocalhost\n{ours}"


def test_the_wifis_password_is_its_owners_alone(root: Path) -> None:
    file = root / "hostapd" / "bongsu.conf"
    assert file.stat().st_mode & 0o077 == 0
    assert "wpa_passphrase=change-me-please" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("pattern", "instead", "sentence"),
    [
        (r"WIFI_PASSWORD=.*", "WIFI_PASSWORD=short", "8 to 63"),
        (r"SITE=\S+", "SITE=", "does not say SITE"),
        (r"WIFI_PASSWORD=.*", "WIFI_PASSWORD=봉수대다섯개로만든암호", "8 to 63 letters of ASCII"),
        (r"WIFI_NAME=.*", "WIFI_NAME=강릉시난곡동주민센터거점", "32 bytes"),
        (r"LAN_ADDRESS=.*", "LAN_ADDRESS=10.42.17", "LAN_ADDRESS is an address like"),
        (r"COUNTRY=.*", "COUNTRY=Korea", "COUNTRY is two letters"),
        (r"WIFI_NAME=.*", "WIFI_NAME='a|b'", "may not hold"),
        (r"OPERATORS=\S*", "OPERATORS=kim", "no user id"),
        (r"OPERATORS=\S*", "OPERATORS='@kim;:x'", "no user id"),
    ],
)
def test_values_that_cannot_be_are_refused(tmp_path: Path, pattern: str, instead: str, sentence: str) -> None:
    done = install(tmp_path, re.sub(pattern, instead, VALUES, count=1))
    assert done.returncode == 1
    assert sentence in done.stderr
    assert not (tmp_path / "root").exists()


@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")
def test_dnsmasq_takes_its_configuration(root: Path) -> None:
    file = root / "dnsmasq.d" / "bongsu.conf"
    done = subprocess.run(
        ["dnsmasq", "--test", "-C", str(file)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr

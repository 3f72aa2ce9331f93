"""`deploy/hub/install --render`: the files that make a machine a hub, from the values of one hub."""

import subprocess
from pathlib import Path

import pytest

from bongsu.config_load import load
from bongsu.rootkey import RootKey

REPOSITORY = Path(__file__).parents[2]
# What `bongsu site install` brings.
LET_IN = {"root_key": RootKey.generate().text}
EXAMPLE = (REPOSITORY / "deploy/hub/hub.env.example").read_text(encoding="utf-8")


class Machine:
    """A folder that stands for a machine's root, and the values in another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.write(EXAMPLE)

    def write(self, values: str) -> None:
        (self.folder / "hub.env").write_text(values, encoding="utf-8")

    def install(self) -> subprocess.CompletedProcess[str]:
        """As the manual says it: the values by their bare name, in the folder where one stands."""
        program = REPOSITORY / "deploy/hub/install"
        return subprocess.run(
            [program, "--render", self.root, "hub.env"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def installs(self) -> str:
        done = self.install()
        assert done.returncode == 0, done.stderr
        return done.stderr

    def refuses(self, values: str) -> str:
        self.write(values)
        done = self.install()
        assert done.returncode == 1, done.stderr
        return done.stderr

    def file(self, name: str) -> Path:
        return self.root / "etc" / name


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_values_become_settings_that_the_program_takes(machine: Machine) -> None:
    machine.installs()
    config = load(LET_IN, {}, machine.file("bongsu/hub.toml"))
    assert (config.role, config.site, config.base_url) == ("hub", "r17", "https://r17.talk.example.kr")
    assert config.operators == ("@kim:talk.example.kr",)
    machine.write(EXAMPLE.replace("OPERATORS=@kim:talk.example.kr ", "OPERATORS="))
    machine.installs()
    assert load(LET_IN, {}, machine.file("bongsu/hub.toml")).operators == ()


def test_what_was_changed_by_hand_stays(machine: Machine) -> None:
    machine.installs()
    settings = machine.file("bongsu/hub.toml")
    by_hand = settings.read_text(encoding="utf-8") + 'log_level = "debug"\n'
    settings.write_text(by_hand, encoding="utf-8")
    machine.write(EXAMPLE.replace("@kim:", "@lee:"))
    assert "hub.toml.new" in machine.installs()
    assert settings.read_text(encoding="utf-8") == by_hand
    assert "@lee:" in settings.with_name("hub.toml.new").read_text(encoding="utf-8")


def test_this_machine_knows_the_hubs_name_once_and_others_as_before(machine: Machine) -> None:
    hosts = machine.file("hosts")
    hosts.parent.mkdir(parents=True)
    hosts.write_text("127.0.0.1\tlocalhost\n", encoding="utf-8")
    machine.installs()
    machine.write(EXAMPLE.replace("LAN_ADDRESS=10.42.17.1", "LAN_ADDRESS=10.42.18.1"))
    machine.installs()
    assert hosts.read_text(encoding="utf-8") == (
        "127.0.0.1\tlocalhost\n10.42.18.1\tr17.talk.example.kr\t# bongsu-hub\n"
    )


def test_names_of_the_wifi_are_records(machine: Machine) -> None:
    """`address=/NAME/` beside `address=/#/` says of AAAA that there is no such name, for any type."""
    machine.installs()
    lines = machine.file("dnsmasq.d/bongsu.conf").read_text(encoding="utf-8").splitlines()
    assert "host-record=r17.talk.example.kr,10.42.17.1" in lines
    assert [line for line in lines if line.startswith("address=")] == ["address=/#/"]


def test_values_that_cannot_be_used_are_a_sentence(machine: Machine) -> None:
    assert "does not say CORE" in machine.refuses(EXAMPLE.replace("CORE=", "KORE="))
    assert "8 to 63" in machine.refuses(EXAMPLE.replace("change-me-please", "short"))
    for user in ("kim", '@kim"', "@kim;x:y"):
        values = EXAMPLE.replace("OPERATORS=@kim:talk.example.kr", f"OPERATORS='{user}'")
        assert "no user id" in machine.refuses(values)

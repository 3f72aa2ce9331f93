"""People use the web client in Chromium at hubs: alone, by courier, and under the data centre's name."""

import sys
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bongsu.lab import certificates, commands, processes
from bongsu.lab.plan import NodePlan, Plan
from tests.server import free_port
from tests.web.story import SCREENSHOTS, tell

BONGSU = str(Path(sys.executable).with_name("bongsu"))


@pytest.fixture
def hubs(tmp_path: Path) -> Iterator[Plan]:
    plan = commands.up(tmp_path / "lab", 1, tls=False, hubs=2)
    try:
        yield plan
    finally:
        commands.down(Plan.load(Path(plan.folder)))


@pytest.mark.parametrize("language", ["ko", pytest.param("en", marks=pytest.mark.long)])
def test_hubs_go_on_alone_and_a_phone_carries_between_them(hubs: Plan, language: str) -> None:
    tell("couriers.mjs", str(hubs.folder), str(SCREENSHOTS), language, BONGSU)


@pytest.fixture
def run_hub(hubs: Plan) -> Plan:
    """The hubs, of which kim runs the first; newcomers need a code there, and its battery is not full."""
    node = hubs.find("h1")
    assert isinstance(node, NodePlan)
    power = Path(hubs.folder) / "power" / "BAT0"
    power.mkdir(parents=True)
    for field, value in (("type", "Battery"), ("capacity", "62"), ("status", "Discharging")):
        (power / field).write_text(value, encoding="ascii")
    settings = Path(node.config)
    text = settings.read_text(encoding="utf-8").replace('registration = "open"', 'registration = "token"')
    more = f'operators = ["@kim:{hubs.service}"]\npower_supply = "{power.parent}"\n'
    settings.write_text(text + more, encoding="utf-8")
    processes.end([node])
    commands.start(hubs, "h1")
    return hubs


@pytest.mark.parametrize(
    ("language", "width"), [("ko", 360), pytest.param("en", 1280, marks=pytest.mark.long)]
)
def test_a_hub_is_run_from_its_page(run_hub: Plan, language: str, width: int) -> None:
    tell("hub.mjs", str(run_hub.folder), str(SCREENSHOTS), language, str(width), BONGSU)


@pytest.fixture
def same_name(tmp_path: Path) -> Iterator[tuple[Plan, str, str]]:
    """A data centre and a hub that answer for one name with their own keys; their pins, the plain page."""
    plan = commands.up(tmp_path / "lab", 1, tls=False, hubs=1)
    authority = certificates.make_authority(tmp_path / "tls")
    plain, pins = f"127.0.0.1:{free_port()}", []
    try:
        for node in plan.nodes:
            folder = tmp_path / "tls" / node.site
            certificates.issue(authority, folder, node.site, "127.0.0.1", ("talk.example.kr",))
            pins.append(_pin(folder / "certificate.pem"))
            settings = Path(node.config)
            more = f'tls = "{folder}"\n' + (f'plain_listen = "{plain}"\n' if node.role == "hub" else "")
            text = settings.read_text(encoding="utf-8").replace(node.url, "https://talk.example.kr")
            settings.write_text(text + more, encoding="utf-8")
            processes.end([node])
            commands.start(plan, node.name)
        yield plan, ",".join(pins), f"http://{plain}"
    finally:
        commands.down(Plan.load(Path(plan.folder)))


def _pin(certificate: Path) -> str:
    key = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(sha256(spki).digest()).decode()


def test_a_hub_of_the_same_name_goes_on_where_the_data_centre_stopped(
    same_name: tuple[Plan, str, str],
) -> None:
    plan, pins, plain = same_name
    tell("sameName.mjs", plan.folder, str(SCREENSHOTS), "ko", pins, plain)

"""People use the web client in Debian's Chromium: on a phone and on a PC, in Korean and in English."""

import json
import subprocess
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
from tests.helpers.tower import Officer, install, rooted_server
from tests.server import Server, free_port

HERE = Path(__file__).parent
BONGSU = str(Path(sys.executable).with_name("bongsu"))
SCREENSHOTS = HERE / "screenshots"
SECONDS_MAX = 300
# Both languages and both widths in two runs; the other two, and their screenshots, are in `make test-long`.
PHONE_AND_PC = [
    ("ko", 360),
    ("en", 1280),
    *(pytest.param(*each, marks=pytest.mark.long) for each in (("ko", 1280), ("en", 360))),
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    started.start()
    try:
        yield started
        started.stop()
        started.verify()
    finally:
        started.kill()


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Plan]:
    plan = commands.up(tmp_path / "lab", 3, tls=False)
    try:
        yield plan
    finally:
        commands.down(plan)


def tell(script: str, *arguments: str) -> None:
    story = subprocess.run(
        ["node", str(HERE / script), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
    )
    # Shown by pytest with what fails, and of what passes by -rP: each step with its time.
    print(story.stdout)
    assert story.returncode == 0, story.stdout + story.stderr


@pytest.mark.parametrize(("language", "width"), PHONE_AND_PC)
def test_two_people_meet_by_link_and_chat(server: Server, language: str, width: int) -> None:
    tell("run.mjs", server.url, str(SCREENSHOTS), language, str(width))


@pytest.mark.parametrize(("language", "width"), PHONE_AND_PC)
def test_a_stranger_sends_an_encrypted_message_in_the_first_minute(
    server: Server, language: str, width: int
) -> None:
    tell("minute.mjs", server.url, str(SCREENSHOTS), language, str(width))


@pytest.mark.parametrize(
    ("language", "width"), [("ko", 360), pytest.param("en", 1280, marks=pytest.mark.long)]
)
def test_a_long_chat_is_read_back_to_its_beginning(server: Server, language: str, width: int) -> None:
    tell("history.mjs", server.url, str(SCREENSHOTS), language, str(width))


def test_the_client_moves_to_another_site_and_back(server: Server) -> None:
    tell("moving.mjs", server.url, str(SCREENSHOTS), "ko", "1280")


@pytest.mark.parametrize(
    ("language", "width", "reactions"),
    [("en", 1280, 400), pytest.param("ko", 360, 10_000, marks=pytest.mark.long)],
)
def test_trouble_with_the_device_is_told_and_loses_nothing(
    server: Server, language: str, width: int, reactions: int
) -> None:
    tell("trouble.mjs", server.url, str(SCREENSHOTS), language, str(width), str(reactions))


@pytest.mark.parametrize(
    ("language", "width"), [("ko", 1280), pytest.param("en", 360, marks=pytest.mark.long)]
)
def test_what_other_clients_write_is_shown_and_never_run(server: Server, language: str, width: int) -> None:
    tell("rich.mjs", server.url, str(SCREENSHOTS), language, str(width))


def test_a_browser_is_told_while_the_client_is_closed(tmp_path: Path) -> None:
    settings = tmp_path / "bongsu.toml"
    settings.write_text("push_allow_private = true\n", encoding="utf-8")
    server = rooted_server(tmp_path, "--config", str(settings))
    server.start()
    try:
        officer = Officer()
        install(server.url, officer.statement())
        alert = tmp_path / "alert.json"
        alert.write_text(json.dumps(officer.alert()), encoding="utf-8")
        tell("push.mjs", server.url, str(SCREENSHOTS), "ko", "360", str(alert))
        server.stop()
        server.verify()
    finally:
        server.kill()


@pytest.mark.parametrize("language", ["ko", pytest.param("en", marks=pytest.mark.long)])
def test_people_chat_on_when_a_data_centre_burns(lab: Plan, language: str) -> None:
    tell("sites.mjs", str(lab.folder), str(SCREENSHOTS), language)


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

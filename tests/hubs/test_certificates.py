"""A hub's certificate comes from its data centre, where a program orders it; no client is dropped for it."""

import os
import ssl
import sys
import threading
from pathlib import Path

import httpx
import pytest

from bongsu.hub.tls_order import hub_host
from bongsu.lab import certificates, commands, processes
from tests import program
from tests.hubs.conftest import Lab, eventually

# A certificate authority with one file for a key: what `lego` or `certbot` do by DNS, without the waiting.
HOOK = """#!{python}
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
home = pathlib.Path({home!r})
(home / "asked").open("a").write(" ".join(sys.argv[1:]) + "\\n")
asked = x509.load_pem_x509_csr(sys.stdin.buffer.read())
key = serialization.load_pem_private_key((home / "ca.key").read_bytes(), None)
issuer = x509.load_pem_x509_certificate((home / "ca.pem").read_bytes())
now = datetime.datetime.now(datetime.UTC)
names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
days = float((home / "days").read_text())
made = (x509.CertificateBuilder().subject_name(asked.subject).issuer_name(issuer.subject)
    .public_key(asked.public_key()).serial_number(x509.random_serial_number())
    .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=days))
    .add_extension(names, critical=False).sign(key, hashes.SHA256()))
sys.stdout.buffer.write(made.public_bytes(serialization.Encoding.PEM))
"""


def carried(*arguments: object) -> str:
    """What `bongsu carry` says."""
    done = program.run("carry", *arguments)
    return done.stdout or done.stderr


@pytest.fixture
def ordering(lab: Lab, tmp_path: Path) -> tuple[Lab, Path]:
    """The laboratory with a hub that asks for a certificate; the data centre has no program yet."""
    authority = certificates.make_authority(tmp_path)
    secret = authority.key.private_bytes(
        certificates.serialization.Encoding.PEM,
        certificates.serialization.PrivateFormat.PKCS8,
        certificates.serialization.NoEncryption(),
    )
    (tmp_path / "ca.key").write_bytes(secret)
    (tmp_path / "days").write_text("90")
    hook = tmp_path / "hook"
    hook.write_text(HOOK.format(python=sys.executable, home=str(tmp_path)))
    hook.chmod(0o700)
    asks(lab)
    return lab, hook


def asks(lab: Lab) -> None:
    """The hub asks for a certificate."""
    hub = lab.node("h1")
    processes.end([hub])
    text = Path(hub.config).read_text(encoding="utf-8")
    port = hub.listen.rpartition(":")[2]
    url = f"https://{hub_host('h1', lab.plan.service)}:{port}"
    Path(hub.config).write_text(text.replace(hub.url, url) + "tls_order = true\n", encoding="utf-8")
    commands.start(lab.plan, "h1")


def reaches(lab: Lab, authority: Path) -> bool:
    """Whether somebody who trusts the authority reaches the hub by its name."""
    trust = ssl.create_default_context(cafile=str(authority))
    name = hub_host("h1", lab.plan.service)
    url = f"https://{lab.node('h1').listen}/_matrix/client/versions"
    with httpx.Client(verify=trust, trust_env=False) as http:
        try:
            request = http.build_request("GET", url, extensions={"sni_hostname": name})
            return http.send(request).status_code == 200
        except httpx.ConnectError:
            return False


def order(lab: Lab, hook: Path) -> None:
    """The data centre gets the program."""
    core = lab.node("a")
    processes.end([core])
    with Path(core.config).open("a", encoding="utf-8") as settings:
        settings.write(f'certificate_hook = "{hook}"\n')
    commands.start(lab.plan, "a")


def test_a_hub_gets_its_certificate_from_the_data_centre(ordering: tuple[Lab, Path]) -> None:
    lab, hook = ordering
    home = hook.parent
    assert not reaches(lab, home / "ca.pem"), "what a hub signed itself nobody trusts"
    file, settings = home / "core.carry", ("--config", lab.node("h1").config)
    said = carried("export", "--url", f"https://{lab.node('h1').listen}", "--to", "core", file)
    assert "not one that this machine trusts" in said, said
    # On its own machine it is known by its settings, while it runs.
    assert carried("export", *settings, "--to", "core", file).startswith("Wrote")
    assert "made this file itself" in carried("import", *settings, file)
    polled: list[int] = []

    def poll() -> None:
        url = f"https://{lab.node('h1').listen}/_bongsu/client/v1/sites"
        with httpx.Client(verify=False, timeout=60) as http:
            for _ in range(200):
                polled.append(http.get(url).status_code)
                if reached.is_set():
                    return

    reached = threading.Event()
    client = threading.Thread(target=poll)
    client.start()
    order(lab, hook)
    eventually(lambda: reaches(lab, home / "ca.pem"), "a certificate that people trust")
    reached.set()
    client.join()
    assert set(polled) == {200}
    assert (home / "asked").read_text().split() == [hub_host("h1", lab.plan.service)]
    key = Path(lab.node("h1").data, "tls", "key.pem")
    assert os.stat(key).st_mode & 0o077 == 0
    said = httpx.get(lab.node("a").private + "/metrics", timeout=30).text
    assert 'bongsu_certificate_days{of="tls h1"} 8' in said


@pytest.mark.long
def test_a_certificate_is_renewed_before_two_thirds_of_its_life_are_left(ordering: tuple[Lab, Path]) -> None:
    lab, hook = ordering
    home = hook.parent
    # Its day before now is more than a third of such a life: it is due as soon as it is there.
    (home / "days").write_text("1.5")
    order(lab, hook)
    eventually(lambda: reaches(lab, home / "ca.pem"), "the first certificate")
    health = lambda: httpx.get(lab.node("a").private + "/health", timeout=30).json()["problems"]  # noqa: E731
    eventually(lambda: any("tls h1" in str(each) for each in health()), "the warning at the data centre")
    (home / "days").write_text("90")
    processes.end([lab.node("a")])
    commands.start(lab.plan, "a")
    eventually(lambda: not any("tls h1" in str(each) for each in health()), "another certificate")
    assert len((home / "asked").read_text().split()) == 2

"""A hub's certificate by real ACME (RFC 8555): pebble, its DNS server, and the hook in `deploy/`."""

import json
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bongsu.hub.tls_order import hub_host
from bongsu.lab import certificates
from tests.hubs.conftest import Lab, eventually
from tests.hubs.test_certificates import asks, order, reaches
from tests.server import free_port
from tests.tidy.tree import ROOT

PROGRAMS = ("pebble", "pebble-challtestsrv", "lego")
ABSENT = [each for each in PROGRAMS if shutil.which(each) is None]
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(ABSENT), reason=f"not installed: {', '.join(ABSENT)} (Debian: pebble, lego)"),
]
HOOK = ROOT / "deploy" / "certificate-hook"
# What a DNS provider's interface is to lego: `present NAME VALUE`, `cleanup NAME VALUE`.
PROVIDER = """#!{python}
import json, sys, urllib.request
deed, name, value = sys.argv[1:4]
said = {{"host": name}} | ({{"value": value}} if deed == "present" else {{}})
path = "set-txt" if deed == "present" else "clear-txt"
urllib.request.urlopen("http://127.0.0.1:{port}/" + path, json.dumps(said).encode()).close()
open({notes!r}, "a").write(deed + " " + name + "\\n")
"""


class Acme:
    """The authority, and the DNS server that it asks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in ("acme", "management", "dns", "records", "unused")}
        authority = certificates.make_authority(folder)
        certificates.issue(authority, folder, "pebble", "127.0.0.1")
        at = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        settings = {
            "listenAddress": at["acme"],
            "managementListenAddress": at["management"],
            "certificate": str(folder / "certificate.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": self.ports["unused"],
            "tlsPort": self.ports["unused"],
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self.provider, self.notes = folder / "provider", folder / "notes"
        words = PROVIDER.format(python=sys.executable, port=self.ports["records"], notes=str(self.notes))
        self.provider.write_text(words)
        self.provider.chmod(0o700)
        others = ("-http01", "", "-https01", "", "-tlsalpn01", "")
        dns = ("-dns01", at["dns"], "-management", at["records"], "-defaultIPv6", "", *others)
        quick = {**os.environ, "PEBBLE_VA_NOSLEEP": "1"}
        with (folder / "acme.log").open("wb") as log:
            self.programs = [
                subprocess.Popen(command, env=quick, stdout=log, stderr=log)
                for command in (
                    ["pebble-challtestsrv", *dns],
                    ["pebble", "-config", str(folder / "pebble.json"), "-dnsserver", at["dns"]],
                )
            ]

    @property
    def environment(self) -> dict[str, str]:
        """What the shipped program is told."""
        return {
            "HOOK_EMAIL": "ops@example.kr",
            "HOOK_DNS": "exec",
            "EXEC_PATH": str(self.provider),
            "HOOK_FOLDER": str(self.folder / "lego"),
            "HOOK_SERVER": f"https://127.0.0.1:{self.ports['acme']}/dir",
            "HOOK_OPTIONS": "--dns.disable-cp",
            "LEGO_CA_CERTIFICATES": str(self.folder / "ca.pem"),
        }

    def root(self) -> bytes:
        """The certificate of the authority, which is another at each start."""
        trust = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        with httpx.Client(verify=trust, trust_env=False) as http:
            return http.get(f"https://127.0.0.1:{self.ports['management']}/roots/0").content

    def serves(self) -> bool:
        """Whether it has started."""
        try:
            return bool(self.root())
        except httpx.TransportError:
            return False


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Acme]:
    made = Acme(tmp_path)
    try:
        eventually(made.serves, "the authority")
        yield made
    finally:
        for program in made.programs:
            program.terminate()
            program.wait()


def test_a_hub_is_served_by_a_chain_that_acme_gave(lab: Lab, acme: Acme) -> None:
    asks(lab)
    root = acme.folder / "root.pem"
    root.write_bytes(acme.root())
    assert not reaches(lab, root), "what a hub signed itself nobody trusts"
    lab.node("a").environment = acme.environment
    order(lab, HOOK)
    eventually(lambda: reaches(lab, root), "a certificate that people trust")
    name = hub_host("h1", lab.plan.service)
    assert acme.notes.read_text().split("\n")[:1] == [f"present _acme-challenge.{name}."]
    served = Path(lab.node("h1").data, "tls", "certificate.pem").read_text()
    assert served.count("BEGIN CERTIFICATE") == 2, "its own, and that which signed it"

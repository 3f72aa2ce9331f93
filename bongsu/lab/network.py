"""A network namespace for each site, so that links between sites can be cut while clients still reach them.

Root only. All stand on one bridge; a cut leads packets for another site into a device that swallows them.
"""

import ipaddress
import os
import secrets
import shutil
import subprocess

from bongsu.errors import FatalError

ABYSS = "abyss"


def possible() -> bool:
    """Whether this user on this machine may make namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    probe = f"bongsu-probe-{secrets.token_hex(3)}"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False)  # noqa: S603, S607
    if made.returncode == 0:
        _ip("netns", "del", probe)
    return made.returncode == 0


def make(sites: list[str]) -> tuple[str, dict[str, tuple[str, str]]]:
    """A bridge, and a namespace a site: the bridge's name, and (namespace, address) by site.

    Raises:
        FatalError: it cannot be made; what was made is gone again.
    """
    label = secrets.token_hex(3)
    bridge = f"bgs{label}"
    subnet = ipaddress.ip_network(f"10.{200 + secrets.randbelow(50)}.{secrets.randbelow(250)}.0/24")
    hosts = list(subnet.hosts())
    places = {site: (f"{bridge}-{site}", str(hosts[number])) for number, site in enumerate(sites)}
    try:
        _ip("link", "add", bridge, "type", "bridge")
        _ip("addr", "add", f"{hosts[-1]}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for number, (namespace, address) in enumerate(places.values()):
            outside = f"{bridge}{number}"
            _ip("netns", "add", namespace)
            _ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace)
            _ip("link", "set", outside, "master", bridge, "up")
            _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                _ip("-n", namespace, "link", "set", device, "up")
            # Nobody asks who has an address there, and nobody reads at its end.
            _ip("-n", namespace, "link", "add", ABYSS, "type", "veth", "peer", "name", f"{ABYSS}-end")
            _ip("-n", namespace, "link", "set", ABYSS, "arp", "off", "up")
            _ip("-n", namespace, "link", "set", f"{ABYSS}-end", "up")
    except FatalError:
        remove(bridge, [namespace for namespace, _ in places.values()])
        raise
    return bridge, places


def remove(bridge: str, namespaces: list[str]) -> None:
    """Take it all away again; what is not there is no error."""
    for arguments in [*(("netns", "del", each) for each in namespaces), ("link", "del", bridge)]:
        subprocess.run(["ip", *arguments], capture_output=True, check=False)  # noqa: S603, S607


def cut(namespace: str, addresses: list[str]) -> None:
    """Whatever leaves the namespace for these addresses is swallowed without a word."""
    for address in addresses:
        _ip("-n", namespace, "route", "replace", f"{address}/32", "dev", ABYSS)


def heal(namespace: str, addresses: list[str]) -> None:
    """Undo `cut`; what was not cut is no error."""
    for address in addresses:
        arguments = ["ip", "-n", namespace, "route", "del", f"{address}/32", "dev", ABYSS]
        subprocess.run(arguments, capture_output=True, check=False)  # noqa: S603


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode != 0:
        raise FatalError(f"`ip {' '.join(arguments)}` failed: {done.stderr.strip()}.")

"""Every setting, with unit, default and bound; docs/settings.md lists them, and a test compares the two.

The command line wins over BONGSU_… variables, those over the TOML file, that over the default.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bongsu.setting_values import (
    CONTACT,
    MIB,
    SERVER_NAME,
    SITE,
    Networks,
    Parser,
    matching,
    one_of,
    parse_directory,
    parse_file,
    parse_listen,
    parse_nats_urls,
    parse_networks,
    parse_on_off,
    parse_place,
    parse_private_listen,
    parse_program,
    parse_public_key,
    parse_public_url,
    parse_tls_folder,
    parse_urls,
    parse_user_ids,
    whole_number,
)
from bongsu.thin_setting import ThinLink, parse_thin_links

# What officers may order: each word allows what those before it do, and more.
DRILLS = ("off", "lab", "real", "restart")


def _setting(default: object, parse: Parser, doc: str, *, unit: str, bound: str) -> Any:
    return field(default=default, metadata={"parse": parse, "doc": doc, "unit": unit, "bound": bound})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a node was told, checked. Made by `load`; tests may make one directly."""

    data: Path = _setting(
        Path("data"),
        parse_directory,
        "Where the node keeps its key, its logs, its view and its media.",
        unit="directory",
        bound="made when it does not exist",
    )
    listen: str = _setting(
        "127.0.0.1:8008",
        parse_listen,
        "The address that clients connect to.",
        unit="HOST:PORT",
        bound="port 1 to 65535",
    )
    server_name: str = _setting(
        "localhost",
        matching(SERVER_NAME, "a host name in lower case, with or without a port"),
        "The part of every user's name behind the colon. It can never change once the data is used.",
        unit="name",
        bound="at most 230 bytes",
    )
    site: str = _setting(
        "main",
        matching(SITE, "at most 32 lower-case letters, digits and hyphens"),
        "The failure domain this node stands in, as people are shown it.",
        unit="name",
        bound="at most 32 letters, digits, hyphens",
    )
    place: tuple[float, float] | None = _setting(
        None,
        parse_place,
        "Where the site stands, for the tower's map. The tower can put it elsewhere.",
        unit="LATITUDE,LONGITUDE",
        bound="degrees",
    )
    root_key: str | None = _setting(
        None,
        parse_public_key,
        "The service's root key, from `bongsu root show`. Without one, a node is a service by itself.",
        unit="public key",
        bound="43 characters of base64",
    )
    certificate: Path | None = _setting(
        None,
        parse_file,
        "The node's certificate, from `bongsu site add`; without it, what `bongsu site install` stored.",
        unit="file",
        bound="one line of text",
    )
    role: str = _setting(
        "core",
        one_of("core", "hub"),
        "`core` for a data centre; `hub` for a place that may be cut off and keeps its residents' rooms.",
        unit="word",
        bound="core, hub",
    )
    registration: str = _setting(
        "token",
        one_of("open", "token", "closed"),
        "Who may make an account: anybody, holders of a registration token, or nobody.",
        unit="word",
        bound="open, token, closed",
    )
    open_registration_anywhere: bool = _setting(
        False,
        parse_on_off,
        "Whether `registration` may be `open` where `listen` is reached from other machines.",
        unit="switch",
        bound="on, off",
    )
    rate_limits: bool = _setting(
        True,
        parse_on_off,
        "Whether a user or an address that asks too often is told to wait.",
        unit="switch",
        bound="on, off",
    )
    rate_limit_factor: int = _setting(
        1,
        whole_number(1, 1_000_000),
        "By what the rate limits are multiplied, for services whose users write more than people do.",
        unit="times",
        bound="1 to 1000000",
    )
    trusted_proxies: Networks = _setting(
        (),
        parse_networks,
        "Proxies whose X-Forwarded-For is believed: limits go by its last address that is none of them.",
        unit="addresses",
        bound="IP addresses and networks",
    )
    public_url: str | None = _setting(
        None,
        parse_public_url,
        "The base URL that clients reach the service by; without it, the address in `listen`.",
        unit="URL",
        bound="http or https",
    )
    default_room_version: str = _setting(
        "12",
        one_of("10", "11", "12"),
        "The room version of new rooms. Some older clients cannot open 11 and 12.",
        unit="room version",
        bound="10, 11, 12",
    )
    upload_bytes_max: int = _setting(
        100 * MIB,
        whole_number(0, 4096 * MIB),
        "The largest file a user may upload; 0 refuses uploads.",
        unit="bytes",
        bound="0 to 4294967296",
    )
    media_bytes_per_user_max: int = _setting(
        10 * 1024 * MIB,
        whole_number(0, 1024 * 1024 * MIB),
        "How much one user's files may take together; 0 sets no bound.",
        unit="bytes",
        bound="0 to 1099511627776",
    )
    free_bytes_min: int = _setting(
        256 * MIB,
        whole_number(0, 1024 * 1024 * MIB),
        "Below this much free disk, writes are refused and reading goes on.",
        unit="bytes",
        bound="0 to 1099511627776",
    )
    tls: Path | None = _setting(
        None,
        parse_tls_folder,
        "A directory with `certificate.pem` and `key.pem`, for clients; without it they get plain HTTP.",
        unit="directory",
        bound="two PEM files",
    )
    peers: tuple[str, ...] = _setting(
        (),
        parse_urls,
        "Where other nodes listen for links, as a list or separated by commas.",
        unit="URLs",
        bound="http or https, 64 at most",
    )
    peer_listen: str | None = _setting(
        None,
        parse_listen,
        "The address that other nodes connect to; without it this node only calls others.",
        unit="HOST:PORT",
        bound="port 1 to 65535",
    )
    thin_links: tuple[ThinLink, ...] = _setting(
        (),
        parse_thin_links,
        "Radio modems by which another site is reached when nothing else is, as a list or with commas.",
        unit="URLs",
        bound="kiss+tcp or kiss+serial, 8 at most",
    )
    mdns: str = _setting(
        "auto",
        one_of("auto", "on", "off"),
        "Whether neighbours on the LAN are found and told where this node takes links; `auto`: at a hub.",
        unit="word",
        bound="auto, on, off",
    )
    admin_listen: str | None = _setting(
        None,
        parse_listen,
        "Where administrators work, with their second factor; elsewhere there is no administration.",
        unit="HOST:PORT",
        bound="port 1 to 65535",
    )
    plain_listen: str | None = _setting(
        None,
        parse_listen,
        "Where a hub answers plain HTTP on its Wi-Fi: phones' questions about the network, and the notices.",
        unit="HOST:PORT",
        bound="port 1 to 65535",
    )
    operators: tuple[str, ...] = _setting(
        (),
        parse_user_ids,
        "The users who run this hub: they see its page and vouch for newcomers.",
        unit="user ids",
        bound="at most 20",
    )
    power_supply: Path = _setting(
        Path("/sys/class/power_supply"),
        parse_directory,
        "Where a hub reads its battery: below 30 % it stops media, below 15 % all but alerts and text.",
        unit="directory",
        bound="as Linux has it",
    )
    peer_tls: Path | None = _setting(
        None,
        parse_tls_folder,
        "A directory with `ca.pem`, `certificate.pem` and `key.pem`, for links with nodes and with NATS.",
        unit="directory",
        bound="three PEM files",
    )
    peer_plain: bool = _setting(
        False,
        parse_on_off,
        "Whether links go in plain text where `peers` says http: for a laboratory. Not with `peer_tls`.",
        unit="switch",
        bound="on, off",
    )
    tls_order: bool = _setting(
        False,
        parse_on_off,
        "Whether a hub makes its own key, for which a data centre orders the certificate of `public_url`.",
        unit="switch",
        bound="on, off",
    )
    certificate_hook: Path | None = _setting(
        None,
        parse_program,
        "A data centre's program that orders hubs' certificates: a request comes in, a chain goes out.",
        unit="file",
        bound="a program",
    )
    alert_hook: Path | None = _setting(
        None,
        parse_program,
        "A program that is run for every alert that concerns people here: it may sound a siren.",
        unit="file",
        bound="a program",
    )
    nats: tuple[str, ...] = _setting(
        (),
        parse_nats_urls,
        "The servers of the fabric between core sites, this site's first, as a list or separated by commas.",
        unit="URLs",
        bound="nats or tls, 64 at most",
    )
    private_listen: str | None = _setting(
        None,
        parse_private_listen,
        "Where operators find metrics, health and digests, without a password; without it, nowhere.",
        unit="HOST:PORT",
        bound="a loopback or private IP address",
    )
    promise_ms: int = _setting(
        800,
        whole_number(50, 60_000),
        "How long a write waits for the disk of another site before it counts as held here alone.",
        unit="milliseconds",
        bound="50 to 60000",
    )
    presence: bool = _setting(
        True,
        parse_on_off,
        "Whether people see who is online.",
        unit="switch",
        bound="on, off",
    )
    push_allow_private: bool = _setting(
        False,
        parse_on_off,
        "Whether push gateways may have private addresses and plain http, as in closed networks.",
        unit="switch",
        bound="on, off",
    )
    feeds_allow_private: bool = _setting(
        False,
        parse_on_off,
        "Whether feeds of others' alerts may have private addresses and plain http, as in closed networks.",
        unit="switch",
        bound="on, off",
    )
    drills: str = _setting(
        "off",
        one_of(*DRILLS),
        "What officers may order here: nothing; drills in a laboratory beside it; also to cut this site's "
        "links; also to restart it, where a service manager starts it again.",
        unit="word",
        bound="off, lab, real, restart",
    )
    admin_contact: str | None = _setting(
        None,
        matching(CONTACT, "a mailto: or https:// address"),
        "Where people are sent who cannot be helped by the service, for example when its disk is full.",
        unit="URI",
        bound="mailto, http or https",
    )
    log_level: str = _setting(
        "info",
        one_of("debug", "info", "warning", "error"),
        "The least serious message that goes to standard error.",
        unit="word",
        bound="debug, info, warning, error",
    )
    log_format: str = _setting(
        "text",
        one_of("text", "json"),
        "Whether messages on standard error are lines for people or JSON objects, one a line.",
        unit="word",
        bound="text, json",
    )
    # Not a setting: the names of those that somebody set.
    given: frozenset[str] = frozenset()

    @property
    def host(self) -> str:
        """The host part of `listen`, without the brackets of an IPv6 address."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port part of `listen`."""
        return int(self.listen.rpartition(":")[2])

    @property
    def base_url(self) -> str:
        """Where clients are told to find the service, without a slash at the end."""
        return self.public_url or f"{'https' if self.tls else 'http'}://{self.listen}"

    @property
    def place_field(self) -> dict[str, list[float]]:
        """Where the site stands, as its register says it; empty where nobody said."""
        return {} if self.place is None else {"place": list(self.place)}

    @property
    def has_several_sites(self) -> bool:
        """Whether other sites are to hold what is written here."""
        return self.role == "hub" or self.is_linked

    @property
    def is_linked(self) -> bool:
        """Whether settings lead to other nodes."""
        return bool(self.peers or self.peer_listen or self.nats or self.thin_links)


SETTINGS = {each.name: each for each in fields(Config) if each.metadata}

"""How the text of a setting becomes its value, or the end of a sentence that says why it cannot."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SERVER_NAME = re.compile(r"(?:[0-9a-z.-]{1,230}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")
SITE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
# 32 bytes: the last character holds four bits.
PUBLIC_KEY = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]")
LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]/]+):([0-9]{1,5})")
CONTACT = re.compile(r"(?:mailto:[^\s@]+@[^\s@]+|https?://\S+)")
USER_ID = re.compile(r"@[0-9a-z._=/+-]{1,200}:[0-9a-z.:\[\]-]{1,230}")
ENVIRONMENT_PREFIX = "BONGSU_"
CONFIG_VARIABLE = "BONGSU_CONFIG"
PEERS_MAX = 64
OPERATORS_MAX = 20
# Beside a node's key: the root key that its data are held to.
ROOT_KEY_FILE_NAME = "root_key"
NO_HUB_ALONE = (
    "The setting role is hub, but a hub belongs to a service with a root key. Run `bongsu hub init`, which "
    "makes the request for its certificate, then `bongsu site install` with root_key."
)
MIB = 1024 * 1024

# A parser takes what the command line (text), the environment (text) or TOML (typed) gave, and returns the
# value or raises ValueError with the end of the sentence "setting X is V, but …".
Parser = Callable[[object], Any]
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def reached_at(host: str) -> str:
    """The address of this machine at which what listens on `host` is reached: for a wildcard, loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def text(raw: object) -> str:
    if not isinstance(raw, str) or not raw or "\0" in raw:
        raise ValueError("it must be a text that is not empty")
    return raw


def matching(pattern: re.Pattern[str], meaning: str) -> Parser:
    def parse(raw: object) -> str:
        if not pattern.fullmatch(text(raw)):
            raise ValueError(f"it must be {meaning}")
        return str(raw)

    return parse


def one_of(*words: str) -> Parser:
    def parse(raw: object) -> str:
        if raw not in words:
            raise ValueError(f"it must be one of: {', '.join(words)}")
        return str(raw)

    return parse


def parse_on_off(raw: object) -> bool:
    if raw in ("on", "off"):
        return raw == "on"
    if not isinstance(raw, bool):
        raise ValueError("it must be on or off")
    return raw


def parse_place(raw: object) -> tuple[float, float]:
    found = text(raw).split(",")
    try:
        latitude, longitude = (float(each) for each in found)
    except ValueError:
        raise ValueError("it must be degrees, for example 37.7519,128.8761") from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError("it must be at most 90 degrees of latitude and 180 of longitude")
    return round(latitude, 5), round(longitude, 5)


def whole_number(low: int, high: int) -> Parser:
    def parse(raw: object) -> int:
        number = int(raw) if isinstance(raw, str) and re.fullmatch(r"[0-9]{1,15}", raw) else raw
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise ValueError(f"it must be a whole number from {low} to {high}")
        return number

    return parse


def parse_directory(raw: object) -> Path:
    path = Path(text(raw)).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("that is not a directory")
    return path


def parse_file(raw: object) -> Path:
    path = Path(text(raw)).expanduser()
    if path.is_dir():
        raise ValueError("that is a directory")
    return path


def parse_public_key(raw: object) -> str:
    if not PUBLIC_KEY.fullmatch(text(raw)):
        raise ValueError("it must be a public key as `bongsu root show` prints it")
    return str(raw)


def parse_listen(raw: object) -> str:
    match = LISTEN.fullmatch(text(raw))
    if match is None or not 1 <= int(match[2]) <= 65_535:
        raise ValueError("it must be HOST:PORT, for example 127.0.0.1:8008 or [::1]:8008")
    return str(raw)


def parse_private_listen(raw: object) -> str:
    """An address whose reach its own number bounds: who gets there is asked for no password."""
    host = str(parse_listen(raw)).rpartition(":")[0].strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ValueError("it must begin with an IP address, for example 127.0.0.1:9009") from None
    if address.is_unspecified or not address.is_private:
        raise ValueError("others could reach it: give a loopback or private address of this machine")
    return str(raw)


def parse_public_url(raw: object) -> str:
    address = urlsplit(text(raw))
    if address.scheme not in ("http", "https") or not address.hostname or address.query or address.fragment:
        raise ValueError("it must be an http:// or https:// address without query, as clients reach it")
    return str(raw).rstrip("/")


def list_of(parse: Parser) -> Parser:
    def parse_all(raw: object) -> tuple[str, ...]:
        parts = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(parts, list | tuple) or len(parts) > PEERS_MAX:
            raise ValueError(f"it must be a list of at most {PEERS_MAX}")
        return tuple(parse(part.strip() if isinstance(part, str) else part) for part in parts if part)

    return parse_all


NATS_URL = re.compile(r"(?:nats|tls)://(?:\[[0-9A-Fa-f:.]+\]|[^:\s\[\]/@]+):[0-9]{1,5}")
parse_urls = list_of(parse_public_url)
parse_nats_urls = list_of(matching(NATS_URL, "nats://HOST:PORT or tls://HOST:PORT"))


def parse_tls_folder(raw: object) -> Path:
    path = Path(text(raw))
    missing = [name for name in ("certificate.pem", "key.pem") if not (path / name).is_file()]
    if missing:
        raise ValueError(f"that directory has no {' and no '.join(missing)}")
    return path


def parse_program(raw: object) -> Path:
    path = Path(text(raw))
    if not path.is_file() or not os.access(path, os.X_OK):
        raise ValueError("that is no file that can be run")
    return path


def parse_networks(raw: object) -> Networks:
    """Addresses and networks, as a list or separated by commas."""
    listed = re.split(r"[,\s]+", raw.strip()) if isinstance(raw, str) else raw
    if not isinstance(listed, list):
        raise ValueError("it must be a list of addresses or networks, with commas between them")
    try:
        return tuple(ipaddress.ip_network(each) for each in listed if each != "")
    except ValueError:
        raise ValueError("it must name addresses or networks, for example 10.0.0.7 or fd00::/8") from None


def is_loopback(host: str) -> bool:
    """Whether a host can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def parse_user_ids(raw: object) -> tuple[str, ...]:
    listed = raw.split(",") if isinstance(raw, str) else raw
    if not isinstance(listed, list) or len(listed) > OPERATORS_MAX:
        raise ValueError(f"it must be at most {OPERATORS_MAX} user ids")
    users = tuple(each.strip() for each in listed if isinstance(each, str) and each.strip())
    if any(not USER_ID.fullmatch(each) for each in users) or len(users) != len(listed):
        raise ValueError("each must be a user id like @name:server")
    return users


class SettingError(Exception):
    """A setting that cannot be used. The message is a sentence: which, where it was set, and why not."""


def read_file(file: Path | None) -> Mapping[str, object]:
    """What a TOML file says; nothing without one.

    Raises:
        SettingError: it cannot be read.
    """
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"The file {file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"The file {file} is not TOML: {error}.") from error


def read_environment(environment: Mapping[str, str]) -> Mapping[str, object]:
    """The BONGSU_… variables by setting name."""
    return {
        variable.removeprefix(ENVIRONMENT_PREFIX).lower(): raw
        for variable, raw in environment.items()
        if variable.startswith(ENVIRONMENT_PREFIX) and variable != CONFIG_VARIABLE
    }

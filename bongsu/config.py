"""Every setting, with unit, default and bound; docs/settings.md lists them, and a test compares the two.

The command line wins over BONGSU_… variables, those over the TOML file, that over the default.
"""

import ipaddress
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ENVIRONMENT_PREFIX = "BONGSU_"
CONFIG_VARIABLE = "BONGSU_CONFIG"
MIB = 1024 * 1024

_SERVER_NAME = re.compile(r"(?:[0-9a-z.-]{1,230}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")
_SITE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\s\[\]/]+):([0-9]{1,5})")
_CONTACT = re.compile(r"(?:mailto:[^\s@]+@[^\s@]+|https?://\S+)")

# A parser takes what the command line (text), the environment (text) or TOML (typed) gave, and returns the
# value or raises ValueError with the end of the sentence "setting X is V, but …".
Parser = Callable[[object], Any]
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


class SettingError(Exception):
    """A setting that cannot be used. The message is a sentence: which, where it was set, and why not."""


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw or "\0" in raw:
        raise ValueError("it must be a text that is not empty")
    return raw


def _matching(pattern: re.Pattern[str], meaning: str) -> Parser:
    def parse(raw: object) -> str:
        if not pattern.fullmatch(_text(raw)):
            raise ValueError(f"it must be {meaning}")
        return str(raw)

    return parse


def _one_of(*words: str) -> Parser:
    def parse(raw: object) -> str:
        if raw not in words:
            raise ValueError(f"it must be one of: {', '.join(words)}")
        return str(raw)

    return parse


def _on_off(raw: object) -> bool:
    if raw in ("on", "off"):
        return raw == "on"
    if not isinstance(raw, bool):
        raise ValueError("it must be on or off")
    return raw


def _whole_number(low: int, high: int) -> Parser:
    def parse(raw: object) -> int:
        number = int(raw) if isinstance(raw, str) and re.fullmatch(r"[0-9]{1,15}", raw) else raw
        if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
            raise ValueError(f"it must be a whole number from {low} to {high}")
        return number

    return parse


def _directory(raw: object) -> Path:
    path = Path(_text(raw)).expanduser()
    if path.exists() and not path.is_dir():
        raise ValueError("that is not a directory")
    return path


def _listen(raw: object) -> str:
    match = _LISTEN.fullmatch(_text(raw))
    if match is None or not 1 <= int(match[2]) <= 65_535:
        raise ValueError("it must be HOST:PORT, for example 127.0.0.1:8008 or [::1]:8008")
    return str(raw)


def _public_url(raw: object) -> str:
    address = urlsplit(_text(raw))
    if address.scheme not in ("http", "https") or not address.hostname or address.query or address.fragment:
        raise ValueError("it must be an http:// or https:// address without query, as clients reach it")
    return str(raw).rstrip("/")


def _networks(raw: object) -> Networks:
    listed = re.split(r"[,\s]+", raw.strip()) if isinstance(raw, str) else raw
    if not isinstance(listed, list):
        raise ValueError("it must be a list of addresses or networks, with commas between them")
    try:
        return tuple(ipaddress.ip_network(each) for each in listed if each != "")
    except ValueError:
        raise ValueError("it must name addresses or networks, for example 10.0.0.7 or fd00::/8") from None


def _setting(default: object, parse: Parser, doc: str, *, unit: str, bound: str) -> Any:
    return field(default=default, metadata={"parse": parse, "doc": doc, "unit": unit, "bound": bound})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a node was told, checked. Made by `load`; tests may make one directly."""

    data: Path = _setting(
        Path("data"),
        _directory,
        "Where the node keeps its key, its logs, its view and its media.",
        unit="directory",
        bound="made when it does not exist",
    )
    listen: str = _setting(
        "127.0.0.1:8008",
        _listen,
        "The address that clients connect to.",
        unit="HOST:PORT",
        bound="port 1 to 65535",
    )
    server_name: str = _setting(
        "localhost",
        _matching(_SERVER_NAME, "a host name in lower case, with or without a port"),
        "The part of every user's name behind the colon. It can never change once the data is used.",
        unit="name",
        bound="at most 230 bytes",
    )
    site: str = _setting(
        "main",
        _matching(_SITE, "at most 32 lower-case letters, digits and hyphens"),
        "The failure domain this node stands in, as people are shown it.",
        unit="name",
        bound="at most 32 letters, digits, hyphens",
    )
    role: str = _setting(
        "core",
        _one_of("core", "hub"),
        "`core` for a data centre. `hub` is not built yet and is refused.",
        unit="word",
        bound="core, hub",
    )
    registration: str = _setting(
        "token",
        _one_of("open", "token", "closed"),
        "Who may make an account: anybody, holders of a registration token, or nobody.",
        unit="word",
        bound="open, token, closed",
    )
    open_registration_anywhere: bool = _setting(
        False,
        _on_off,
        "Whether `registration` may be `open` where `listen` is reached from other machines.",
        unit="switch",
        bound="on, off",
    )
    rate_limits: bool = _setting(
        True,
        _on_off,
        "Whether a user or an address that asks too often is told to wait.",
        unit="switch",
        bound="on, off",
    )
    rate_limit_factor: int = _setting(
        1,
        _whole_number(1, 1_000_000),
        "By what the rate limits are multiplied, for services whose users write more than people do.",
        unit="times",
        bound="1 to 1000000",
    )
    trusted_proxies: Networks = _setting(
        (),
        _networks,
        "Proxies whose X-Forwarded-For is believed: limits go by its last address that is none of them.",
        unit="addresses",
        bound="IP addresses and networks",
    )
    public_url: str | None = _setting(
        None,
        _public_url,
        "The base URL that clients reach the service by; without it, the address in `listen`.",
        unit="URL",
        bound="http or https",
    )
    default_room_version: str = _setting(
        "12",
        _one_of("10", "11", "12"),
        "The room version of new rooms. Some older clients cannot open 11 and 12.",
        unit="room version",
        bound="10, 11, 12",
    )
    upload_bytes_max: int = _setting(
        100 * MIB,
        _whole_number(0, 4096 * MIB),
        "The largest file a user may upload; 0 refuses uploads.",
        unit="bytes",
        bound="0 to 4294967296",
    )
    media_bytes_per_user_max: int = _setting(
        10 * 1024 * MIB,
        _whole_number(0, 1024 * 1024 * MIB),
        "How much one user's files may take together; 0 sets no bound.",
        unit="bytes",
        bound="0 to 1099511627776",
    )
    free_bytes_min: int = _setting(
        256 * MIB,
        _whole_number(0, 1024 * 1024 * MIB),
        "Below this much free disk, writes are refused and reading goes on.",
        unit="bytes",
        bound="0 to 1099511627776",
    )
    presence: bool = _setting(
        True,
        _on_off,
        "Whether people see who is online.",
        unit="switch",
        bound="on, off",
    )
    push_allow_private: bool = _setting(
        False,
        _on_off,
        "Whether push gateways may have private addresses and plain http, as in closed networks.",
        unit="switch",
        bound="on, off",
    )
    admin_contact: str | None = _setting(
        None,
        _matching(_CONTACT, "a mailto: or https:// address"),
        "Where people are sent who cannot be helped by the service, for example when its disk is full.",
        unit="URI",
        bound="mailto, http or https",
    )
    log_level: str = _setting(
        "info",
        _one_of("debug", "info", "warning", "error"),
        "The least serious message that goes to standard error.",
        unit="word",
        bound="debug, info, warning, error",
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
        return self.public_url or f"http://{self.listen}"


SETTINGS = {each.name: each for each in fields(Config) if each.metadata}


def load(
    arguments: Mapping[str, object],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Config:
    """Put the settings together, the first of command line, environment and file that names one.

    Args:
        arguments: by setting name; a value of None was not given.
        file: a TOML file; BONGSU_CONFIG names one too.
    Raises:
        SettingError: one cannot be used, is unknown, or contradicts another.
    """
    if file is None and environment.get(CONFIG_VARIABLE):
        file = Path(environment[CONFIG_VARIABLE])
    values: dict[str, Any] = {}
    for origin, raw_values in (
        (f"the file {file}", _read_file(file)),
        ("the environment", _read_environment(environment)),
        ("the command line", {name: raw for name, raw in arguments.items() if raw is not None}),
    ):
        for name, raw in raw_values.items():
            values[name] = _parse(name, raw, origin)
    config = Config(**values, given=frozenset(values))
    _check_together(config)
    return config


def _read_file(file: Path | None) -> Mapping[str, object]:
    if file is None:
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"The file {file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"The file {file} is not TOML: {error}.") from error


def _read_environment(environment: Mapping[str, str]) -> Mapping[str, object]:
    return {
        variable.removeprefix(ENVIRONMENT_PREFIX).lower(): raw
        for variable, raw in environment.items()
        if variable.startswith(ENVIRONMENT_PREFIX) and variable != CONFIG_VARIABLE
    }


def _parse(name: str, raw: object, origin: str) -> Any:
    if name not in SETTINGS:
        raise SettingError(
            f"There is no setting {name}, but {origin} gives it a value. "
            f"The settings are: {', '.join(SETTINGS)}."
        )
    try:
        return SETTINGS[name].metadata["parse"](raw)
    except ValueError as error:
        raise SettingError(f"The setting {name} is {raw!r} in {origin}, but {error}.") from error


def _check_together(config: Config) -> None:
    """Refuse settings that are fine alone and wrong together."""
    if config.role == "hub":
        raise SettingError(
            "The setting role is hub, but this version has no hubs yet. Leave the setting out, or say core."
        )
    if config.registration == "open" and not (_is_loopback(config.host) or config.open_registration_anywhere):
        raise SettingError(
            f"The setting registration is open, but listen is {config.listen}: whoever reaches it could make "
            "accounts without end. Say registration token, or open_registration_anywhere on."
        )
    public_host = urlsplit(config.public_url or "").hostname
    if config.server_name == "localhost" and public_host and not _is_loopback(public_host):
        raise SettingError(
            f"The setting public_url leads others to {public_host}, but server_name is localhost: every "
            "user's name would end in :localhost for ever. Give a server_name that the service owns."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def check_same_service(stored: str | None, config: Config) -> Config:
    """Hold a data directory to the server name it was first used with.

    Args:
        stored: the server name in the data directory, None in a new one.
    Returns:
        The settings in force: where nobody gave a server name, the stored one.
    Raises:
        SettingError: another name was given.
    """
    if stored is None or stored == config.server_name:
        return config
    if "server_name" not in config.given:
        return replace(config, server_name=stored)
    raise SettingError(
        f"The setting server_name is {config.server_name}, but the data in {config.data} belongs to "
        f"{stored}, and a service cannot change its name. Give that name, or another data directory."
    )

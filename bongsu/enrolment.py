"""A node's own certificate: asked for, and kept beside its key (docs/protocol/authority.md)."""

from dataclasses import replace
from pathlib import Path

from bongsu import authority
from bongsu.authority import Certificate
from bongsu.config import Config
from bongsu.errors import FatalError, MatrixError
from bongsu.files import make_data_folder, write_whole
from bongsu.log.key import NodeKey
from bongsu.setting_values import NO_HUB_ALONE, ROOT_KEY_FILE_NAME, SettingError

FILE_NAME = "certificate"


def with_root_key(config: Config) -> Config:
    """The settings with the root key that the data directory is held to.

    Without it, one command that lacks the setting would take the node for a service by itself.

    Raises:
        FatalError: another root key was given.
    """
    path = Path(config.data) / ROOT_KEY_FILE_NAME
    stored = path.read_text(encoding="ascii").strip() if path.exists() else None
    if stored is None or stored == config.root_key:
        return config
    if config.root_key is None:
        return replace(config, root_key=stored)
    raise FatalError(
        f"The setting root_key is {config.root_key}, but the data in {config.data} belongs to the service of "
        f"{stored}. Give that key, or another data directory."
    )


def keep_root_key(config: Config) -> None:
    """Hold the data directory to its root key. Only once a certificate fits: a mistyped key binds nobody."""
    path = Path(config.data) / ROOT_KEY_FILE_NAME
    if config.root_key is not None and not path.exists():
        write_whole(path, config.root_key.encode() + b"\n")


def request(config: Config) -> str:
    """What the holder of the root key needs to know of this node. The key is made if there is none."""
    data = Path(config.data)
    make_data_folder(data)
    key = NodeKey.open(data / "node.key")
    return authority.sign_request(key.public, config.role, config.site, key.sign_bytes)


def install(config: Config, text: str) -> Certificate:
    """Keep the node's certificate where its next start looks for it.

    Raises:
        FatalError: it is not this node's, or not signed by the root key.
    """
    config = with_root_key(config)
    key = NodeKey.open(Path(config.data) / "node.key")
    certificate = _checked(config, key.node, text.strip())
    keep_root_key(config)
    write_whole(Path(config.data) / FILE_NAME, certificate.text.encode() + b"\n")
    return certificate


def own_certificate(config: Config, node: bytes) -> Certificate | None:
    """The node's certificate, if it was given one.

    Raises:
        FatalError: what it was given cannot be used.
    """
    path = config.certificate or Path(config.data) / FILE_NAME
    if config.certificate is None and not path.exists():
        return None
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise FatalError(f"The node's certificate {path} cannot be read: {error}.") from error
    return _checked(config, node, text.strip())


def _checked(config: Config, node: bytes, text: str) -> Certificate:
    if config.root_key is None:
        raise FatalError(
            "This service has no root key. Give the setting root_key; `bongsu root show` prints it."
        )
    try:
        certificate = authority.read_certificate(authority.read_key(config.root_key), text)
    except MatrixError as error:
        raise FatalError(f"The node's certificate cannot be used: {error.error}") from error
    if certificate.node != node:
        raise FatalError(
            f"This is the certificate of node {certificate.node.hex()}, but this node is {node.hex()}. "
            "Install the one made from this node's own request: bongsu site request."
        )
    for name, certified in (("site", certificate.site), ("role", certificate.role)):
        if name in config.given and getattr(config, name) != certified:
            raise FatalError(
                f"The setting {name} is {getattr(config, name)}, but the node's certificate says "
                f"{certified}. Leave the setting out, or have a certificate signed for what it says."
            )
    return certificate


def as_certified(config: Config, node: bytes) -> Config:
    """The settings with the site and role that the node's certificate gives it, where it has one.

    Raises:
        FatalError: what it was given cannot be used.
    """
    mine = None if config.root_key is None else own_certificate(config, node)
    return config if mine is None else replace(config, site=mine.site, role=mine.role)


def certificate_without_root(config: Config, node: bytes) -> Certificate:
    """What the node of a service without a root key is.

    Raises:
        FatalError: it was given a certificate, which nobody can check.
    """
    if config.certificate is not None:
        raise FatalError(
            "The setting certificate is given without root_key. Give the service's root key, too: "
            "`bongsu root show` prints it."
        )
    if config.role == authority.HUB:
        raise FatalError(NO_HUB_ALONE)
    return Certificate(node, config.role, config.site)


def certificate_in_force(config: Config, node: bytes, known: Certificate | None) -> Certificate:
    """The later of what the node was given and what its log holds.

    Raises:
        FatalError: there is neither.
    """
    given = own_certificate(config, node)
    mine = given if known is None or (given and given.issued_ms > known.issued_ms) else known
    if mine is None:
        raise FatalError(
            f"Node {node.hex()} has no certificate, so nothing it wrote would count. Run "
            f"`bongsu site request --data {config.data}`, have the holder of the root key sign the "
            "line it prints (`bongsu site add`), and give the certificate to `bongsu site install`."
        )
    keep_root_key(config)
    return mine


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

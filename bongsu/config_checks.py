"""Settings that are fine alone and wrong together are refused by a sentence."""

from typing import Any
from urllib.parse import urlsplit

from bongsu.setting_values import NO_HUB_ALONE, ROOT_KEY_FILE_NAME, SettingError, is_loopback


def check_together(config: Any) -> None:
    """Refuse a `Config` that contradicts itself.

    Raises:
        SettingError: the sentence says what, and what to do.
    """
    rooted = config.root_key is not None or (config.data / ROOT_KEY_FILE_NAME).exists()
    if config.role == "hub" and not rooted:
        raise SettingError(NO_HUB_ALONE)
    if config.registration == "open" and not (is_loopback(config.host) or config.open_registration_anywhere):
        raise SettingError(
            f"The setting registration is open, but listen is {config.listen}: whoever reaches it could make "
            "accounts without end. Say registration token, or open_registration_anywhere on."
        )
    if config.is_linked and not rooted:
        raise SettingError(
            "The settings peers, peer_listen, nats and thin_links link this node with others, but without "
            "root_key no node believes another. Make one with `bongsu root init`, or leave them out."
        )
    public_host = urlsplit(config.public_url or "").hostname
    if config.server_name == "localhost" and public_host and not is_loopback(public_host):
        raise SettingError(
            f"The setting public_url leads others to {public_host}, but server_name is localhost: every "
            "user's name would end in :localhost for ever. Give a server_name that the service owns."
        )
    if config.peer_plain and config.peer_tls is not None:
        raise SettingError(
            "The settings peer_plain and peer_tls contradict each other: links go in plain text or by those "
            "certificates. Leave peer_plain out."
        )
    if config.tls_order and (config.role != "hub" or not config.base_url.startswith("https://")):
        raise SettingError(
            "The setting tls_order is for hubs, and for an https public_url like https://SITE.SERVER_NAME: "
            "data centres have their certificates by the setting tls."
        )
    if config.certificate_hook is not None and config.role != "core":
        raise SettingError(
            "The setting certificate_hook is for data centres, which order hubs' certificates."
        )

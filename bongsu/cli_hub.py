"""The commands `bongsu hub …`: set a hub up, and say whose rooms it keeps. Parse, call, print."""

import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click
import segno

from bongsu.cli_settings import act, with_settings
from bongsu.config import Config
from bongsu.config_load import parse_each
from bongsu.errors import FatalError
from bongsu.setting_values import SettingError

DATA_OPTIONS = {"data": "DIR", "root_key": "KEY"}
FILE_NAME = "hub.toml"
LISTEN, PEER_LISTEN = "0.0.0.0:8008", "0.0.0.0:8449"
HTTPS = 443

_hub = click.option("--hub", "site", metavar="SITE", required=True, help="The hub's name, as its site.")


@click.group()
def hub() -> None:
    """A hub: a laptop or a small board that keeps a town's rooms when everything else is away."""


@hub.command("init")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), default=Path("data"), metavar="DIR")
@click.option("--site", metavar="NAME", prompt="거점의 이름 · The hub's name (a-z 0-9 -)")
@click.option(
    "--public-url",
    metavar="URL",
    prompt="사람들이 여는 주소 · The address people open, like https://jongno.talk.example.kr",
)
@click.option(
    "--core",
    metavar="URL",
    prompt="센터가 연결을 받는 곳 · Where a data centre takes links, like https://talk.example.kr:8449",
)
@click.option("--server-name", metavar="NAME", help="The service's name; the core's host when left out.")
@click.option(
    "--operator",
    "operators",
    metavar="USER",
    multiple=True,
    help="Who runs it, like @kim:talk.example.kr: sees its page, vouches for newcomers. May be given again.",
)
def hub_init(
    data: Path, site: str, public_url: str, core: str, server_name: str | None, operators: tuple[str, ...]
) -> None:
    """Make a hub's key and settings, and print the request that lets it into the service."""
    from bongsu import enrolment

    name = server_name or urlsplit(core).hostname or ""
    values: dict[str, object] = {
        "data": str(data),
        "server_name": name,
        "site": site,
        "role": "hub",
        "listen": LISTEN,
        "public_url": public_url,
        "peers": [core],
        "peer_listen": PEER_LISTEN,
        "operators": list(operators),
    }
    try:
        # As `serve` will read it, but for the root key, which comes with the certificate.
        checked = parse_each(values)
        if orders_certificate(public_url, site, name):
            values["tls_order"] = True
            # It speaks TLS itself, so it must be where browsers look for the address.
            values["listen"] = f"0.0.0.0:{urlsplit(public_url).port or HTTPS}"
            checked = parse_each(values)
        request = enrolment.request(checked)
        path = data / FILE_NAME
        # TOML's strings, switches and lists of strings are written as JSON writes them.
        path.write_text(
            "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()), encoding="utf-8"
        )
    except (SettingError, FatalError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(request)
    if sys.stdout.isatty():
        segno.make(request, error="l").terminal(compact=True)
    click.echo(
        f"The settings are in {path}. Give the line above (or its QR code) to whoever has the root key; they "
        f"sign it with `bongsu site add`. Then: bongsu site install --config {path} --root-key KEY "
        f"CERTIFICATE, and bongsu serve --config {path}.",
        err=True,
    )
    if not operators:
        click.echo(
            f"맡은 사람을 {path}의 operators에 적으세요. Name who runs it in {path}: "
            f'operators = ["@kim:{name}"]. Nobody else sees the page {public_url.rstrip("/")}/hub.',
            err=True,
        )


def orders_certificate(public_url: str, site: str, server_name: str) -> bool:
    """Whether a data centre orders the certificate of this address: it does for SITE.SERVER_NAME alone."""
    from bongsu.hub.tls_order import hub_host

    address = urlsplit(public_url)
    return address.scheme == "https" and address.hostname == hub_host(site, server_name)


@hub.group("residents")
def residents() -> None:
    """Whose rooms a hub keeps. On the data of a data centre, running or not; users can say it themselves."""


@residents.command("add")
@with_settings(DATA_OPTIONS)
@_hub
@click.argument("users", nargs=-1, required=True)
def residents_add(config: Config, site: str, users: tuple[str, ...]) -> None:
    """Make USERS (names or user ids) residents of the hub."""
    for user_id in act(config, "residents_add", site=site, names=users):
        click.echo(f"{user_id} is a resident of {site}.")


@residents.command("remove")
@with_settings(DATA_OPTIONS)
@_hub
@click.argument("users", nargs=-1, required=True)
def residents_remove(config: Config, site: str, users: tuple[str, ...]) -> None:
    """End it for USERS: what this node holds of the hub by now counts, what the hub writes later does not."""
    for user_id in act(config, "residents_remove", site=site, names=users):
        click.echo(f"{user_id} is no resident of {site} any more.")


@residents.command("list")
@with_settings(DATA_OPTIONS)
@_hub
def residents_list(config: Config, site: str) -> None:
    """List the residents of the hub, one user id a line."""
    for user_id in act(config, "residents_list", site=site):
        click.echo(user_id)

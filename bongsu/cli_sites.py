"""The commands `bongsu root …` and `bongsu site …`: parse, call, print (docs/protocol/authority.md)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bongsu.cli_settings import with_settings
from bongsu.config import Config
from bongsu.errors import FatalError

NODE_OPTIONS = {"data": "DIR", "root_key": "KEY"}
REQUEST_OPTIONS = {"data": "DIR", "site": "NAME", "role": "core|hub"}
_STATEMENTS = ("request", "certificate", "revocation", "tower-request", "tower-key", "tower-key-end")
ROLE = click.Choice(["core", "hub"])
FILE = click.Path(path_type=Path, dir_okay=False)

ROOT_OPTION = click.option(
    "--root", "root_file", type=FILE, required=True, metavar="FILE", help="The root key's file."
)
PASSPHRASE_OPTION = click.option(
    "--passphrase-file",
    type=FILE,
    metavar="FILE",
    help="Whose first line is the passphrase; asked for when left out.",
)
URL_OPTION = click.option("--url", metavar="URL", help="The base URL of a running node, instead of --data.")
OUT_OPTION = click.option("--out", type=FILE, metavar="FILE", help="Write there instead of printing.")


@click.group()
def root() -> None:
    """The root key, which says which nodes belong to the service. Keep it off the nodes."""


@root.command("init")
@click.option("--out", type=FILE, required=True, metavar="FILE", help="The new root key's file.")
@PASSPHRASE_OPTION
def root_init(out: Path, passphrase_file: Path | None) -> None:
    """Make a root key, and print its public key: the setting root_key of every node."""
    from bongsu.rootkey import RootKey

    key = RootKey.generate()
    _fatal(lambda: key.save(out, read_passphrase(passphrase_file, new=True)))
    click.echo(key.text)


@root.command("show")
@click.argument("file", type=FILE)
def root_show(file: Path) -> None:
    """Print the public key of the root key FILE."""
    from bongsu import rootkey

    click.echo(_fatal(lambda: rootkey.public_key(file)))


@root.command("print")
@click.argument("file", type=FILE)
@PASSPHRASE_OPTION
def root_print(file: Path, passphrase_file: Path | None) -> None:
    """Print the secret of the root key FILE, for paper in a safe. Nothing seals it there."""
    click.echo(load_root(file, passphrase_file).printable())


@root.command("restore")
@click.argument("printed", type=click.File("r"))
@click.option("--out", type=FILE, required=True, metavar="FILE", help="The root key's new file.")
@PASSPHRASE_OPTION
def root_restore(printed: Any, out: Path, passphrase_file: Path | None) -> None:
    """Make a root key's file from what was PRINTED (a file, or - for what is typed)."""
    from bongsu.rootkey import RootKey

    key = _fatal(lambda: RootKey.from_printed(printed.read()))
    _fatal(lambda: key.save(out, read_passphrase(passphrase_file, new=True)))
    click.echo(key.text)


@click.group()
def site() -> None:
    """Let nodes into the service and shut them out."""


@site.command("request")
@with_settings(REQUEST_OPTIONS, together=False)
@OUT_OPTION
def site_request(config: Config, out: Path | None) -> None:
    """Print what the holder of the root key needs in order to let this node in."""
    from bongsu import enrolment

    give(enrolment.request(config), out)


@site.command("add")
@ROOT_OPTION
@PASSPHRASE_OPTION
@click.argument("request")
@click.option("--role", type=ROLE, help="Instead of the one asked for.")
@click.option("--site", "site_name", metavar="NAME", help="Instead of the one asked for.")
@click.option("--expires", type=click.IntRange(min=1), metavar="DAYS", help="For ever when left out.")
@click.option("--delegate", is_flag=True, help="The node may sign certificates of hubs.")
@OUT_OPTION
def site_add(
    root_file: Path,
    passphrase_file: Path | None,
    request: str,
    role: str | None,
    site_name: str | None,
    expires: int | None,
    delegate: bool,
    out: Path | None,
) -> None:
    """Sign a certificate for the node whose REQUEST (or old certificate) this is: the line, or its file."""
    from bongsu import sites

    key = load_root(root_file, passphrase_file)
    text = _fatal(
        lambda: sites.add(key, line_of(request), role=role, site=site_name, days=expires, delegates=delegate)
    )
    give(text, out)


@site.command("add-hub")
@with_settings(NODE_OPTIONS)
@click.argument("request")
@click.option("--site", "site_name", metavar="NAME", help="Instead of the one asked for.")
@click.option("--expires", type=click.IntRange(min=1), metavar="DAYS", help="For ever when left out.")
@OUT_OPTION
def site_add_hub(
    config: Config, request: str, site_name: str | None, expires: int | None, out: Path | None
) -> None:
    """Sign a hub's certificate with this core node's key, if the root key delegated that to it."""
    from bongsu import sites

    give(sites.add_hub(config, line_of(request), site=site_name, days=expires), out)


@site.command("install")
@with_settings(NODE_OPTIONS)
@click.argument("certificate")
def site_install(config: Config, certificate: str) -> None:
    """Give this node its CERTIFICATE: the line, or its file. It counts from the next start."""
    from bongsu import enrolment

    read = enrolment.install(config, line_of(certificate))
    click.echo(f"Node {read.node.hex()} is a {read.role} node of the site {read.site}.")


@site.command("list")
@with_settings(NODE_OPTIONS)
def site_list(config: Config) -> None:
    """List the nodes this one knows, one a line: node, site, role, state."""
    from bongsu import sites

    for row in sites.listed(config):
        click.echo("\t".join(row))


@site.command("cuts")
@with_settings(NODE_OPTIONS)
@click.argument("name")
@click.option(
    "--at", default="now", metavar="now|TIME", help="TIME is like 2026-11-22T14:00, of this machine."
)
def site_cuts(config: Config, name: str, at: str) -> None:
    """Print where the logs of NAME (a node or a site) end, as `site revoke` takes it: node, cuts."""
    from bongsu import cuts, sites

    node, found = sites.cuts_here(config, name, at)
    click.echo(f"{node.hex()}\t{cuts.format_cuts(found)}")


@site.command("revoke")
@with_settings(NODE_OPTIONS)
@ROOT_OPTION
@PASSPHRASE_OPTION
@click.argument("name")
@click.option(
    "--at",
    default="now",
    metavar="now|TIME|CUTS",
    help="What the node wrote before counts; TIME by its own stamps.",
)
@URL_OPTION
@click.option("--last", is_flag=True, help="Shut out the last data centre, too.")
@click.option(
    "--only-sign", is_flag=True, help="NAME is a node, --at are CUTS; no data are needed or changed."
)
@OUT_OPTION
def site_revoke(
    config: Config,
    root_file: Path,
    passphrase_file: Path | None,
    name: str,
    at: str,
    url: str | None,
    last: bool,
    only_sign: bool,
    out: Path | None,
) -> None:
    """Shut out NAME (a node or a site): what it wrote beyond the cut does not count, anywhere, any more.

    Prints the revocation, and hands it to the running node at --url, or to the stopped one in --data,
    from which it reaches the others. A later one for the same node replaces it.
    """
    from bongsu import sites
    from bongsu.cuts import is_node, parse_cuts

    key = load_root(root_file, passphrase_file)
    given = parse_cuts(at)
    if only_sign:
        if given is None or not is_node(name):
            raise click.UsageError(
                "--only-sign takes a node and its cuts, as `bongsu site cuts` prints them."
            )
        give(sites.revoke(key, bytes.fromhex(name), given), out)
        return
    upto = "now" if given is not None else at
    node, held = (
        sites.cuts_here(config, name, upto, to_revoke=not last)
        if url is None
        else sites.cuts_there(key, url, name, upto, to_revoke=not last)
    )
    text = sites.revoke(key, node, held if given is None else given)
    if url is None:
        sites.hand_in(config, text)
    else:
        sites.hand_in_there(url, text)
    give(text, out)


@site.command("hand-in")
@with_settings(NODE_OPTIONS)
@click.argument("revocation")
@URL_OPTION
def site_hand_in(config: Config, revocation: str, url: str | None) -> None:
    """Give a REVOCATION (the line, or its file) to the node in --data, or the running one at --url."""
    from bongsu import sites

    text = line_of(revocation)
    node = sites.hand_in(config, text) if url is None else sites.hand_in_there(url, text)
    click.echo(f"Revoked node {node.hex()}.")


def load_root(file: Path, passphrase_file: Path | None) -> Any:
    """The root key in a file."""
    from bongsu.rootkey import RootKey

    return _fatal(lambda: RootKey.load(file, read_passphrase(passphrase_file, new=False)))


def read_passphrase(file: Path | None, *, new: bool) -> str:
    """The first line of a file, or what is typed; a new one twice."""
    if file is None:
        return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=new))
    return _text_of(file).partition("\n")[0].rstrip("\r")


def line_of(argument: str) -> str:
    """What was given on the command line, or stands in the file it names."""
    kind, colon, _ = argument.partition(":")
    return argument if colon and kind in _STATEMENTS else _text_of(Path(argument))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"The file {file} cannot be read: {error}.") from error


def give(text: str, out: Path | None) -> None:
    """Print a line, or write it to a file."""
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="ascii")


def _fatal(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except FatalError as error:
        raise click.ClickException(str(error)) from error

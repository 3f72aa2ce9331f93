"""The commands `bongsu tower …`: parse, call, print (docs/protocol/tower.md)."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from bongsu.cli_settings import with_settings
from bongsu.cli_sites import (
    FILE,
    NODE_OPTIONS,
    OUT_OPTION,
    PASSPHRASE_OPTION,
    ROOT_OPTION,
    URL_OPTION,
    give,
    line_of,
    load_root,
    read_passphrase,
)
from bongsu.config import Config
from bongsu.errors import FatalError


@click.group()
def tower() -> None:
    """Warn people, and see who is safe: the control tower's keys and alerts."""


@tower.command("key")
@click.option("--out", type=FILE, required=True, metavar="FILE", help="The officer's new key file.")
@click.option("--name", required=True, help="Who warns, as people are shown it: an officer or an agency.")
@PASSPHRASE_OPTION
def tower_key(out: Path, name: str, passphrase_file: Path | None) -> None:
    """Make an officer's key, and print the request that the holder of the root key signs."""
    from bongsu.tower import keys
    from bongsu.towers import OfficerKey

    key = OfficerKey.generate()
    _fatal(lambda: key.save(out, read_passphrase(passphrase_file, new=True)))
    click.echo(keys.request(key.public, name, key.sign))


@tower.command("add")
@ROOT_OPTION
@PASSPHRASE_OPTION
@click.argument("request")
@click.option("--role", type=click.Choice(["commander", "deputy", "agency"]), required=True)
@click.option(
    "--area", "areas", multiple=True, metavar="ID", help="May warn there; everywhere when left out."
)
@click.option(
    "--user", "users", multiple=True, metavar="USER", help="Who holds the key: may look at the tower."
)
@click.option("--two-person", is_flag=True, help="What it signs counts once a second key has signed, too.")
@click.option("--expires", type=click.IntRange(1, 3_660), default=366, show_default=True, metavar="DAYS")
@OUT_OPTION
def tower_add(
    root_file: Path,
    passphrase_file: Path | None,
    request: str,
    role: str,
    areas: tuple[str, ...],
    users: tuple[str, ...],
    two_person: bool,
    expires: int,
    out: Path | None,
) -> None:
    """Sign the officer's key whose REQUEST this is: the line, or its file. Then: tower install."""
    from bongsu import towers

    key = load_root(root_file, passphrase_file)
    text = _fatal(
        lambda: towers.add(
            key,
            line_of(request),
            role=role,
            areas=areas,
            users=users,
            two_person=two_person,
            days=expires,
        )
    )
    give(text, out)


@tower.command("install")
@with_settings(NODE_OPTIONS)
@click.argument("statement")
@URL_OPTION
def tower_install(config: Config, statement: str, url: str | None) -> None:
    """Give the STATEMENT about a tower key to the node in --data, or the running one at --url."""
    from bongsu import towers

    text = line_of(statement)
    key = towers.install(config, text) if url is None else towers.install_there(url, text)
    click.echo(f"Installed what the root key says of the tower key {key}.")


@tower.command("list")
@with_settings(NODE_OPTIONS)
def tower_list(config: Config) -> None:
    """List the tower keys, one a line: id, name, role, areas, state."""
    from bongsu import towers

    for row in towers.listed(config):
        click.echo("\t".join(row))


@tower.command("revoke")
@with_settings(NODE_OPTIONS)
@ROOT_OPTION
@PASSPHRASE_OPTION
@click.argument("key")
@click.option(
    "--at",
    default="now",
    metavar="now|TIME|never",
    help="What it signed as sent until then counts; never: nothing does.",
)
@URL_OPTION
@click.option("--only-sign", is_flag=True, help="Print the statement; no data are needed or changed.")
@OUT_OPTION
def tower_revoke(
    config: Config,
    root_file: Path,
    passphrase_file: Path | None,
    key: str,
    at: str,
    url: str | None,
    only_sign: bool,
    out: Path | None,
) -> None:
    """End the tower KEY (its id). Whoever stole it can sign earlier times: give the time of the theft."""
    from bongsu import towers
    from bongsu.sites import stamp_of

    root = load_root(root_file, passphrase_file)
    until = 0 if at == "never" else _fatal(lambda: stamp_of(at)) or towers.now_ms()
    text = _fatal(lambda: towers.end(root, key, until))
    if not only_sign and url is None:
        towers.install(config, text)
    elif not only_sign:
        _fatal(lambda: towers.install_there(str(url), text))
    give(text, out)


@tower.command("alert")
@click.option(
    "--key", "key_files", type=FILE, multiple=True, required=True, metavar="FILE", help="Who signs."
)
@click.option(
    "--passphrase-file", "passphrase_files", type=FILE, multiple=True, metavar="FILE", help="For each --key."
)
@click.option("--url", required=True, metavar="URL", help="The base URL of a running node.")
@click.option("--content", type=FILE, required=True, metavar="FILE", help="The alert as JSON; - for stdin.")
@click.option("--lasts", type=click.IntRange(1, 10_080), default=60, show_default=True, metavar="MINUTES")
@click.option("--yes", is_flag=True, help="Do not ask before it is sent.")
def tower_alert(
    key_files: tuple[Path, ...],
    passphrase_files: tuple[Path, ...],
    url: str,
    content: Path,
    lasts: int,
    yes: bool,
) -> None:
    """Sign an alert with the keys of one or more officers and hand it to a node.

    The JSON has the fields of docs/protocol/tower.md; sender, sent and expires are filled in.
    """
    from bongsu import towers
    from bongsu.tower.broadcast import cell_broadcast

    given: list[Path | None] = [*passphrase_files]
    given += [None] * (len(key_files) - len(given))
    officers = [
        _fatal(lambda file=file, words=words: towers.OfficerKey.load(file, read_passphrase(words, new=False)))
        for file, words in zip(key_files, given, strict=True)
    ]
    sent = towers.now_ms()
    said: dict[str, Any] = _fatal(lambda: towers.read_json_file(content))
    said = {"sent": sent, "expires": sent + lasts * 60_000, **said, "sender": officers[0].id}
    whole = _fatal(lambda: towers.sign_alert(said, officers))
    click.echo(json.dumps(said, ensure_ascii=False, indent=2), err=True)
    click.echo(cell_broadcast(said, 90), err=True)
    if not yes:
        click.confirm(f"보냅니까? Send this {said['status']} alert?", abort=True, err=True)
    name, state = _fatal(lambda: towers.hand_in_alert(url, whole))
    click.echo(f"{name}\t{state}")


def _fatal(work: Any) -> Any:
    try:
        return work()
    except FatalError as error:
        raise click.ClickException(str(error)) from error


@tower.command("room")
@with_settings(NODE_OPTIONS)
@click.argument("room_id")
@click.option("--as", "user_id", required=True, metavar="USER", help="In whose name; they are in the room.")
def tower_room(config: Config, room_id: str, user_id: str) -> None:
    """Put every alert into the room ROOM_ID, too: for Matrix clients that know no alerts.

    Make it public and let nobody else write there (events_default above the users' level).
    """
    from bongsu import towers

    towers.set_alert_room(config, room_id, user_id)
    click.echo(f"Alerts are put into {room_id} in the name of {user_id}.")


@tower.group()
def feeds() -> None:
    """Feeds of others' alerts (CAP 1.2): shown as theirs, never as ours."""


@feeds.command("add")
@with_settings(NODE_OPTIONS)
@click.argument("feed_url")
@click.option("--name", required=True, help="Whose alerts they are, as people are shown it.")
@click.option(
    "--pin", type=FILE, metavar="FILE", help="The certificate (PEM) that must have signed every alert of it."
)
def feeds_add(config: Config, feed_url: str, name: str, pin: Path | None) -> None:
    """Have every node poll the feed (Atom or RSS) or alert at FEED_URL."""
    from bongsu import towers

    click.echo(f"Feed {towers.add_feed(config, feed_url, name, pin)} is polled once a minute.")


@feeds.command("list")
@with_settings(NODE_OPTIONS)
def feeds_list(config: Config) -> None:
    """List the feeds, one a line: id, name, address, whether a certificate is pinned."""
    from bongsu import towers

    for row in towers.list_feeds(config):
        click.echo("\t".join(row))


@feeds.command("remove")
@with_settings(NODE_OPTIONS)
@click.argument("feed")
def feeds_remove(config: Config, feed: str) -> None:
    """Poll FEED (its id) no more."""
    from bongsu import towers

    towers.remove_feed(config, feed)
    click.echo(f"Feed {feed} is not polled any more.")


@tower.command("export")
@with_settings(NODE_OPTIONS)
@click.argument("incident")
@URL_OPTION
@click.option("--token-file", type=FILE, metavar="FILE", help="With --url: an officer's access token.")
@click.option("--html", "html_file", type=FILE, metavar="FILE", help="A page to print.")
@click.option("--json", "json_file", type=FILE, metavar="FILE", help="Acts and proofs: see tower verify.")
def tower_export(
    config: Config,
    incident: str,
    url: str | None,
    token_file: Path | None,
    html_file: Path | None,
    json_file: Path | None,
) -> None:
    """Export the INCIDENT (its id) for the record, from stopped --data or a running node at --url."""
    from bongsu import towers
    from bongsu.tower.report import page

    token = None if token_file is None else token_file.read_text(encoding="ascii").strip()
    found = _fatal(lambda: towers.export_incident(config, url, incident, token))
    if json_file is not None:
        json_file.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    if html_file is not None:
        html_file.write_text(page(found, found["names"]), encoding="utf-8")
    click.echo(f"Exported {len(found['acts'])} acts.")


@tower.command("verify")
@click.argument("file", type=FILE)
@click.option("--root-key", metavar="KEY", help="The service's root key; without it, that of the file.")
def tower_verify(file: Path, root_key: str | None) -> None:
    """Check an exported incident: every act, signature and key, and that none is missing. Exit 1 if not.

    Nothing proves that no act came after the last ones: these are named, to be compared with another copy.
    """
    from bongsu import authority, towers
    from bongsu.tower.export import problems

    found = _fatal(lambda: towers.read_json_file(file))
    key = None if root_key is None else authority.read_key(root_key)
    wrong = problems(found, key)
    for sentence in wrong:
        click.echo(sentence)
    if wrong:
        click.echo(f"{len(wrong)} problems found.")
        sys.exit(1)
    last = ", ".join(found["state"]["heads"])
    click.echo(
        f"No problem found. {len(found['acts'])} acts; the last: {last}. Another copy may have later ones."
    )

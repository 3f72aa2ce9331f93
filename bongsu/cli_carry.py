"""`bongsu carry`: files of bundles on a stick, from one site to another. docs/protocol/carry.md."""

import json
from pathlib import Path

import click

from bongsu.cli_operate import progress_bar
from bongsu.cli_settings import with_settings
from bongsu.config import Config

DATA_OPTIONS = {"data": "DIR", "root_key": "KEY"}
FILE = click.Path(path_type=Path, dir_okay=False)
_url = click.option(
    "--url", metavar="URL", help="A running node's address, instead of --config or --data on its own machine."
)
_KEPT = "This file is for {to}. It waits at this site now, for whoever goes there."


@click.group()
def carry() -> None:
    """Carry what a cut-off site lacks, in a sealed file: on a stick, a card, a phone."""


@carry.command("export")
@with_settings(DATA_OPTIONS)
@_url
@click.option("--to", "to", metavar="SITE", required=True, help="A hub's site, or `core`.")
@click.argument("file", type=FILE)
def carry_export(config: Config, file: Path, to: str, url: str | None) -> None:
    """Write FILE: what SITE lacks as far as known here, readable by SITE alone."""
    from bongsu import carrying

    done = carrying.export(config, url, to, file, progress_bar())
    rest = "" if done.complete else " There is more than one file holds: bring this one, then make another."
    click.echo(f"Wrote {done.records} records ({done.size} bytes) for {to} to {file}.{rest}")


@carry.command("import")
@with_settings(DATA_OPTIONS)
@_url
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def carry_import(config: Config, file: Path, url: str | None) -> None:
    """Take FILE, which was carried here. Taking it twice is taking it once."""
    from bongsu import carrying

    done = carrying.take(config, url, file, progress_bar())
    if done.get("kept"):
        click.echo(_KEPT.format(to=done["to"]))
        return
    click.echo(f"From {done['source']}: {done['new']} records are new, {done['known']} were known.")
    if done["lacking"]:
        click.echo(f"{done['lacking']} records need earlier ones, which another file has to bring.")
    if done["refused"]:
        click.echo(f"{done['refused']} records were refused: they are not what their author wrote.")
    if done["problem"]:
        raise click.ClickException(str(done["problem"]))


@carry.command("inspect")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for machines.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def carry_inspect(file: Path, as_json: bool) -> None:
    """Say who made FILE, for whom, and until when. What it holds only that site can read."""
    from bongsu import carrying
    from bongsu.bearer.frame import Unreadable

    try:
        said = carrying.inspect(file)
    except Unreadable as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror or error}.") from error
    if as_json:
        click.echo(json.dumps(said))
        return
    for name, value in said.items():
        click.echo(f"{name}\t{value}")

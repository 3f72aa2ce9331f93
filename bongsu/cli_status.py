"""The command `bongsu status publish`: the status page as files that any host can serve."""

import json
from pathlib import Path

import click

from bongsu.cli_settings import with_settings
from bongsu.config import Config
from bongsu.errors import FatalError

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def status() -> None:
    """The public status page, hosted apart from the service."""


@status.command("publish")
@with_settings({"data": "DIR", "server_name": "NAME", "root_key": "KEY"})
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--url", metavar="URL", help="A running node's private listener; --data when left out.")
@click.option(
    "--drill",
    "drills",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Figures that `bongsu drill --json` wrote.",
)
def status_publish(config: Config, folder: Path, url: str | None, drills: tuple[Path, ...]) -> None:
    """Write index.html and status.json into FOLDER. Run it from two places, so that one of them is right."""
    from bongsu import towers
    from bongsu.files import write_public

    try:
        page, found = towers.status_page(config, url, list(drills))
    except FatalError as error:
        raise click.ClickException(str(error)) from error
    write_public(folder / "status.json", json.dumps(found, ensure_ascii=False, indent=2).encode() + b"\n")
    write_public(folder / "index.html", page.encode())
    click.echo(f"Wrote {folder / 'index.html'} and status.json: {found['state']}.")

"""`bongsu doctor`, `backup`, `restore` and `repair`: what operators do about a node's data."""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from bongsu.cli_settings import with_settings
from bongsu.config import Config

DATA_OPTIONS = {"data": "DIR"}
RESTORE_OPTIONS = {"data": "DIR", "root_key": "KEY"}
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


def progress_bar() -> Callable[[int, int], None]:
    """Progress as a bar on a terminal, and as a line every tenth elsewhere."""
    began, shown = time.monotonic(), 0

    def progress(done: int, total: int) -> None:
        nonlocal shown
        share = 100 * done // max(total, 1)
        if share < shown:
            shown = 0
        if share >= shown + 10 or done == total:
            shown = share
            end = "\r" if sys.stderr.isatty() and done < total else "\n"
            line = f"[{'#' * (share // 5):<20}] {share:>3} %  {time.monotonic() - began:.1f} s"
            click.echo(line + end, err=True, nl=False)

    return progress


@click.command()
@with_settings(DATA_OPTIONS)
@click.option("--out", type=FILE, required=True, metavar="FILE", help="The copy of the log.")
@click.option("--media", type=FOLDER, metavar="DIR", help="Copy there what it lacks of the media.")
@click.option("--with-key", is_flag=True, help="Put the node's key beside the copy, as FILE.key.")
def backup(config: Config, out: Path, media: Path | None, with_key: bool) -> None:
    """Copy a node's log and media; the node may run.

    The node's key is left out: a copy that runs under the key of a node that runs, too, would speak for it,
    and whoever finds the copy could. A restored node gets a key of its own, and a certificate from the
    holder of the root key. Give --with-key for a copy that is kept as safe as the node itself.
    """
    from bongsu.clock import SystemClock
    from bongsu.enrolment import with_root_key
    from bongsu.operate import backup as work

    began = time.monotonic()
    if not with_key and with_root_key(config).root_key is None:
        click.echo(
            "This service has no root key: without the node's key the copy is of no use. Give --with-key."
        )
    done = work.backup(config, out, media, with_key=with_key, clock=SystemClock(), progress=progress_bar())
    click.echo(f"Copied {done.log_bytes} bytes of log to {out} in {time.monotonic() - began:.1f} s.")
    if media is None:
        click.echo("The media were not copied: give --media DIR, unless other sites have them.")
    else:
        click.echo(f"Copied {done.media_files} media files ({done.media_bytes} bytes) to {media}.")


@click.command()
@with_settings(RESTORE_OPTIONS)
@click.argument("copy", type=FILE)
@click.option("--media", type=FOLDER, metavar="DIR", help="Where the copy of the media is.")
@click.option("--key", "key_file", type=FILE, metavar="FILE", help="The key of the node that is gone.")
def restore(config: Config, copy: Path, media: Path | None, key_file: Path | None) -> None:
    """Make an empty --data of a COPY: every record is checked, and the view is built.

    Give --key only if the node that was copied will never run again.
    """
    from bongsu.clock import SystemClock
    from bongsu.operate import backup as work

    done = work.restore(
        config, copy, media, key_file=key_file, clock=SystemClock(), say=click.echo, progress=progress_bar()
    )
    click.echo(f"Restored {done.records} records and {done.media_files} media files in {done.seconds:.1f} s.")
    if key_file is None:
        click.echo(
            "The node has a new key. In a service with a root key it needs a certificate:"
            " `bongsu site request`."
        )


@click.command()
@with_settings(DATA_OPTIONS)
def repair(config: Config) -> None:
    """Check log.db; if it is damaged, set it aside and begin a new one with what is whole.

    A node with other sites does this by itself at its start, and fills up from them.
    """
    from bongsu.clock import SystemClock
    from bongsu.errors import StoreDamaged
    from bongsu.operate import repair as work

    if not (config.data / "log.db").is_file():
        raise click.ClickException(f"There is no node in {config.data}. Check the setting data.")
    try:
        problems = work.check(config, SystemClock())
    except StoreDamaged as damage:
        problems = (str(damage),)
    if not problems:
        click.echo("log.db is whole. There is nothing to repair.")
        return
    click.echo(problems[0])
    done = asyncio.run(work.repair(config, SystemClock()))
    click.echo(f"{done.taken} of {done.records} records are whole and were taken over.")
    click.echo(f"The damaged file is kept as {done.aside}.")
    click.echo(
        "Start the node: what is missing comes from the other sites. A node without others has lost it."
    )


@click.command()
@with_settings(DATA_OPTIONS)
@click.option("--url", metavar="URL", help="The node's private listener, if it runs.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
def doctor(config: Config, url: str | None, as_json: bool) -> None:
    """Say what is wrong with a node or soon will be, and what to do. Exit 1 if something is serious.

    Give the same --config as `bongsu serve`. A listener named there is asked even without --url.
    """
    from bongsu.operate.doctor import examine

    if url is None and config.private_listen is not None:
        url = f"http://{config.private_listen}"
    found = examine(config, url)
    for each in found:
        if as_json:
            click.echo(json.dumps(each.as_json(), ensure_ascii=False))
            continue
        click.echo(f"{'!!' if each.serious else ' !'} {each.korean}")
        click.echo(f"   {each.english}{_since(each.since_ms)}")
    if not found and not as_json:
        click.echo("문제가 없습니다. Nothing is wrong.")
    sys.exit(1 if any(each.serious for each in found) else 0)


def _since(since_ms: int | None) -> str:
    if since_ms is None:
        return ""
    return time.strftime(" (since %Y-%m-%d %H:%M)", time.localtime(since_ms / 1000))

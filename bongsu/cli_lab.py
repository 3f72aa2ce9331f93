"""`bongsu lab` and `bongsu drill`: several sites on this machine, and what people see when one burns."""

import functools
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from bongsu.errors import FatalError

Command = Callable[..., Any]


def _sentences(command: Command) -> Command:
    """What goes wrong is told by its sentence."""

    @functools.wraps(command)
    def call(**arguments: Any) -> None:
        try:
            command(**arguments)
        except FatalError as error:
            raise click.ClickException(str(error)) from error

    return call


_folder = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("lab"),
    show_default=True,
    help="Where the laboratory keeps its files.",
)
_tls = click.option("--tls/--no-tls", default=True, help="Encrypt with a throw-away authority, or not.")


@click.group()
def lab() -> None:
    """A real service of several sites on this machine, to be tried and hurt."""


@lab.command("up")
@_folder
@click.option("--sites", type=int, default=3, show_default=True, help="How many data centres.")
@click.option(
    "--hubs", type=int, default=0, show_default=True, help="How many hubs, cut off from each other."
)
@click.option("--json", "as_json", is_flag=True, help="Print lab.json when it is ready.")
@click.option(
    "--net/--no-net",
    default=None,
    help="Each site in a network namespace, so that links can be cut; as root this is the default.",
)
@_tls
@_sentences
def lab_up(folder: Path, sites: int, hubs: int, as_json: bool, net: bool | None, tls: bool) -> None:
    """Start NATS servers and nodes, and return when they are ready."""
    from bongsu.lab import commands, network

    if net is None:
        net = hubs == 0 and network.possible()
    plan = commands.up(folder, sites, tls=tls, net=net, hubs=hubs)
    if as_json:
        click.echo((folder / "lab.json").read_text(encoding="utf-8"), nl=False)
    else:
        click.echo(f"bongsu lab ready at {' '.join(node.url for node in plan.nodes)}")


@lab.command("start")
@_folder
@click.argument("name")
@_sentences
def lab_start(folder: Path, name: str) -> None:
    """Bring the process NAME back."""
    from bongsu.lab import commands
    from bongsu.lab.plan import Plan

    commands.start(Plan.load(folder), name)
    click.echo(f"{name} runs.")


@lab.command("cut")
@_folder
@click.argument("site")
@click.option("--one-way", is_flag=True, help="It still hears the others, but they do not hear it.")
@_sentences
def lab_cut(folder: Path, site: str, one_way: bool) -> None:
    """Cut SITE off from the other sites. Clients still reach it."""
    from bongsu.lab import commands
    from bongsu.lab.plan import Plan

    commands.cut(Plan.load(folder), site, one_way=one_way)
    click.echo(f"{site} is cut off.")


@lab.command("heal")
@_folder
@click.argument("site")
@_sentences
def lab_heal(folder: Path, site: str) -> None:
    """Link SITE with the others again."""
    from bongsu.lab import commands
    from bongsu.lab.plan import Plan

    commands.heal(Plan.load(folder), site)
    click.echo(f"{site} is linked again.")


@lab.command("link")
@_folder
@click.argument("hub")
@click.argument("other")
@click.argument("how", metavar="lan|none|RATE", required=False)
@click.option("--rate", metavar="lan|none|RATE", help="The same as HOW.")
@click.option("--loss", type=click.FloatRange(0, 0.9), default=0.0, help="Of frames that radio loses.")
@_sentences
def lab_link(folder: Path, hub: str, other: str, how: str | None, rate: str | None, loss: float) -> None:
    """Link HUB with OTHER (a hub, a site, or core), or cut it off from it. RATE is like 64kbps or 1200bps.

    Between two hubs a RATE from 1200bps to 19200bps is a half-duplex radio channel, else a slow wire.
    """
    from bongsu.lab import commands
    from bongsu.lab.plan import Plan

    how = how or rate
    if how is None:
        raise FatalError("Say how: lan, none, or a rate like 1200bps.")
    commands.link(Plan.load(folder), hub, other, how, loss)
    click.echo(f"{hub} and {other} are {'cut off from each other' if how == 'none' else f'linked ({how})'}.")


@lab.command("down")
@_folder
@_sentences
def lab_down(folder: Path) -> None:
    """End every process of the laboratory."""
    from bongsu.lab import commands
    from bongsu.lab.plan import Plan

    commands.down(Plan.load(folder))
    click.echo("The laboratory has ended. Its files are kept.")


@click.command()
@click.argument("name")
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Figures.")
@click.option("--html", "html_file", type=click.Path(path_type=Path, dir_okay=False), help="The report.")
@click.option("--people", type=click.IntRange(6, 2_000), default=60, show_default=True, help="Clients.")
@click.option("--per-second", type=float, default=1.0, show_default=True, help="Messages of each client.")
@click.option("--seconds", type=float, help="How long there is load; the plan's own time when left out.")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="Keep its files here."
)
@click.option("--ends-with-input", is_flag=True, help="End when standard input is closed.")
@_tls
@_sentences
def drill(
    name: str,
    json_file: Path | None,
    html_file: Path | None,
    people: int,
    per_second: float,
    seconds: float | None,
    folder: Path | None,
    ends_with_input: bool,
    tls: bool,
) -> None:
    """Run the drill NAME in a laboratory of its own. Exit 1 if a promise was broken."""
    from bongsu.drill import report
    from bongsu.drill.beside import end_with
    from bongsu.drill.plans import PLANS
    from bongsu.drill.run import run

    if ends_with_input:
        end_with(sys.stdin.buffer)
    if name == "alert":
        _drill_alert(folder, people, tls=tls, json_file=json_file)
    if name == "stolen-hub":
        _drill_stolen(folder, tls=tls, json_file=json_file)
    plan = PLANS.get(name)
    if plan is None:
        names = ", ".join(("alert", "stolen-hub", *PLANS))
        raise click.ClickException(f"There is no drill {name}. There are: {names}.")
    if people < plan.people_min:
        raise click.ClickException(
            f"The drill {name} needs at least --people {plan.people_min}: fewer never meet its fault."
        )
    click.echo(f"{plan.korean} {plan.english}", err=True)
    with _home(folder) as home:
        outcome = run(
            plan, home, people=people, per_second=per_second, seconds=seconds, tls=tls, progress=_progress
        )
    click.echo("", err=True)
    _say_figures(report.figures(outcome), json_file)
    if html_file is not None:
        html_file.write_text(report.page(outcome), encoding="utf-8")
    sys.exit(0 if outcome.kept else 1)


def _drill_alert(folder: Path | None, people: int, *, tls: bool, json_file: Path | None) -> NoReturn:
    """How soon an alert is with everybody who waits; it has a load of its own."""
    from bongsu.drill import alert

    with _home(folder) as home:
        outcome = alert.run(home, people=people, tls=tls, progress=_progress)
    _say_figures(outcome.figures(), json_file)
    sys.exit(1 if outcome.missed else 0)


def _drill_stolen(folder: Path | None, *, tls: bool, json_file: Path | None) -> NoReturn:
    """What becomes of a hub that is taken; its few people do one thing after the other."""
    from bongsu.drill import stolen

    with _home(folder) as home:
        outcome = stolen.run(home, tls=tls, progress=_progress)
    _say_figures(outcome.figures(), json_file)
    sys.exit(1 if outcome.broken else 0)


@contextmanager
def _home(folder: Path | None) -> Iterator[Path]:
    """Where a drill keeps its files; without a folder they are gone afterwards."""
    home = folder or Path(tempfile.mkdtemp(prefix="bongsu-drill-"))
    try:
        yield home
    finally:
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)


def _say_figures(found: dict[str, Any], json_file: Path | None) -> None:
    figures = json.dumps(found, ensure_ascii=False, indent=2)
    click.echo(figures)
    if json_file is not None:
        json_file.write_text(figures + "\n", encoding="utf-8")


@click.command()
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), help="Keep its files here."
)
@_sentences
def demo(folder: Path | None) -> None:
    """Three sites and two hubs with a small town in them, and a page to burn them from. Ends with Ctrl-C."""
    from bongsu.drill.demo import Demo
    from bongsu.drill.demo_page import server
    from bongsu.lab import commands

    home = folder or Path(tempfile.mkdtemp(prefix="bongsu-demo-"))
    plan = commands.up(home, 3, tls=False, hubs=2)
    try:
        town = Demo(plan)
        town.seed()
        town.start()
        page = server(town)
        # A shell that starts it in the background has it ignore Ctrl-C.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.default_int_handler)
        click.echo(f"bongsu demo ready at http://127.0.0.1:{page.server_port} (Ctrl-C ends it)")
        try:
            page.serve_forever()
        except KeyboardInterrupt:
            click.echo("The demo ends.")
        finally:
            page.server_close()
            town.stop()
    finally:
        commands.down(plan)
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)


def _progress(words: str) -> None:
    end = "\r" if sys.stderr.isatty() else "\n"
    if sys.stderr.isatty() or not words.endswith(" s"):
        click.echo(f"{words:<60}{end}", err=True, nl=False)

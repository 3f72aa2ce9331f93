"""What `bongsu carry` does: on a node's data, or, where the node runs, through its address."""

import io
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from bongsu.bearer import carry
from bongsu.config import Config
from bongsu.courier.export import Exported
from bongsu.courier.take import take as take_file
from bongsu.errors import FatalError, InUse
from bongsu.files import sync_folder
from bongsu.offline import run_stopped
from bongsu.service import Service
from bongsu.setting_values import reached_at

Progress = Callable[[int, int], None]
PATH = "/_bongsu/client/v1/courier"
PIECE_BYTES = 262_144
ANSWER_S = 300.0


@dataclass(frozen=True, slots=True)
class _Way:
    """To a running node. `trust`: by what its certificate is judged; `extensions`: for which name."""

    url: str
    trust: ssl.SSLContext | bool = True
    extensions: dict[str, str] = field(default_factory=dict)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url.rstrip("/"), verify=self.trust, timeout=ANSWER_S)


def export(config: Config, url: str | None, to: str, file: Path, progress: Progress) -> Exported:
    """Write a file for a site; it has its name only once it is whole.

    Raises:
        FatalError, MatrixError: there is no such destination, or the node does not answer.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as out:
            try:
                done = _fetch(_Way(url), to, out, progress) if url else _write(config, to, out, progress)
            except InUse:
                done = _fetch(_own(config), to, out, progress)
            # Whoever reads "wrote" pulls the stick out.
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
        sync_folder(file.parent)
        return done
    except OSError as error:
        raise FatalError(
            f"{file} cannot be written: {error.strerror or error}. Is the stick in, and is there room on it?"
        ) from error
    finally:
        with suppress(OSError):  # the stick is gone
            part.unlink(missing_ok=True)


def take(config: Config, url: str | None, file: Path, progress: Progress) -> dict[str, Any]:
    """Take a file: what became of it, as docs/protocol/carry.md has it.

    Raises:
        FatalError, MatrixError: nothing was taken; the sentence says why.
    """
    try:
        with file.open("rb") as raw:
            size = os.fstat(raw.fileno()).st_size
    except OSError as error:
        raise FatalError(f"{file} cannot be read: {error.strerror or error}.") from error
    if url is not None:
        return _post(_Way(url), file, size, progress)

    async def work(service: Service) -> dict[str, Any]:
        with file.open("rb") as raw:
            done = await take_file(service.node, raw.read, lambda _: progress(raw.tell(), size))
        return done.as_json()

    try:
        return run_stopped(config, work)
    except InUse:
        return _post(_own(config), file, size, progress)


def inspect(file: Path) -> dict[str, Any]:
    """What anybody can read of a file.

    Raises:
        Unreadable: it is none.
    """
    with file.open("rb") as raw:
        header, _ = carry.read_header(raw.read)
    return {
        "id": header.file_id.hex(),
        "from": header.source,
        "node": header.node.hex(),
        "to": header.destination,
        "created": _date(header.created_ms),
        "expires": _date(header.expires_ms),
        "bytes": file.stat().st_size,
        "readers": len(header.recipients),
    }


def _date(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return f"{ms} ms"


def _write(config: Config, to: str, out: io.BufferedWriter, progress: Progress) -> Exported:
    async def work(service: Service) -> Exported:
        return await service.desk.export_to(to, out.write, 2**63, progress)

    return run_stopped(config, work)


def _own(config: Config) -> _Way:
    """To the node that runs on these data: where it listens, judged by its own certificate."""
    host = reached_at(config.host)
    address = f"[{host}]:{config.port}" if ":" in host else f"{host}:{config.port}"
    if config.tls is None:
        return _Way(f"http://{address}")
    trust = httpx.create_ssl_context()
    with suppress(OSError):  # of another user: then it says that nobody trusts it
        trust.load_verify_locations(config.tls / "certificate.pem")
    name = urlsplit(config.base_url).hostname or host
    return _Way(f"https://{address}", trust, {"sni_hostname": name})


def _unreached(url: str, error: httpx.HTTPError) -> FatalError:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return FatalError(
            f"The certificate of {url} is not one that this machine trusts ({error}). On the node's own "
            "machine give --config FILE with its settings instead. Elsewhere, check the address."
        )
    return FatalError(f"{url} does not answer ({error}). Is the node running there?")


def _fetch(way: _Way, to: str, out: io.BufferedWriter, progress: Progress) -> Exported:
    done = Exported(b"")
    try:
        with (
            way.client() as http,
            http.stream("GET", f"{PATH}/export", params={"to": to}, extensions=way.extensions) as got,
        ):
            if got.status_code != 200:
                got.read()
                raise FatalError(_sentence(got))
            done.records = int(got.headers.get("x-bongsu-records", 0))
            done.complete = got.headers.get("x-bongsu-complete") != "false"
            total = int(got.headers.get("content-length", 0))
            for piece in got.iter_bytes(PIECE_BYTES):
                out.write(piece)
                done.size += len(piece)
                progress(done.size, max(total, done.size))
    except httpx.HTTPError as error:
        raise _unreached(way.url, error) from error
    return done


def _post(way: _Way, file: Path, size: int, progress: Progress) -> dict[str, Any]:
    def pieces() -> Iterator[bytes]:
        sent = 0
        with file.open("rb") as raw:
            while piece := raw.read(PIECE_BYTES):
                yield piece
                sent += len(piece)
                progress(sent, size)

    headers = {"content-length": str(size), "content-type": "application/octet-stream"}
    try:
        with way.client() as http:
            got = http.post(PATH, content=pieces(), headers=headers, extensions=way.extensions)
    except httpx.HTTPError as error:
        raise _unreached(way.url, error) from error
    if got.status_code != 200:
        raise FatalError(_sentence(got))
    answered: dict[str, Any] = got.json()
    return answered


def _sentence(got: httpx.Response) -> str:
    try:
        return str(got.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"The node answered {got.status_code}."

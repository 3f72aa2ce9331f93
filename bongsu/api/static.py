"""The web client's files, listed once at start: only what was listed is served; no path leads elsewhere."""

import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bongsu.api.http import Request, Response

FOLDER = Path(__file__).parents[1] / "web"
INDEX = "/index.html"
# Addresses that people type: the client opens there. Its own are behind the #.
PAGES = ("/", "/hub", "/courier", "/tower")
# The administration: at its own listener alone.
ADMIN_PAGE, ADMIN_INDEX = "/admin", "/admin.html"
_ADMIN_FILES = (ADMIN_INDEX, "/assets/admin-")
# The build gives these names that change with their content.
_HASHED = re.compile(r"/assets/.*-[\w-]{8}\.\w+")
_ENCODINGS = ((".br", "br"), (".gz", "gzip"))
# What may stand in a policy; whatever else a site calls its address, it must not write a policy of its own.
_HOST = re.compile(r"[\w.\-\[\]:]+", re.ASCII)
_API_PREFIXES = ("/_matrix", "/_bongsu", "/.well-known")
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}


@dataclass(frozen=True, slots=True)
class _File:
    """A listed file. `variants`: paths by encoding of the same content, smallest first."""

    path: str
    etag: str
    headers: tuple[tuple[str, str], ...]
    has_policy: bool
    variants: tuple[tuple[str, str], ...]


class StaticFiles:
    """The files below a folder, as they were at start; none if there is no folder.

    `sites`: the base URLs of the service's sites, asked for each page: they come and go while it runs.
    `admin`: whether the administration's page is among them.
    """

    def __init__(
        self,
        folder: Path = FOLDER,
        sites: Callable[[], Iterable[str]] = tuple,
        *,
        admin: bool = False,
    ) -> None:
        self._sites = sites
        self._pages = dict.fromkeys(PAGES, INDEX) | ({ADMIN_PAGE: ADMIN_INDEX} if admin else {})
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files = {
            f"/{path.relative_to(folder).as_posix()}": _listed(folder, path)
            for path in paths
            if path.suffix not in (".br", ".gz") and not path.relative_to(folder).parts[0].startswith(".")
        }
        if not admin:
            self._files = {
                name: file for name, file in self._files.items() if not name.startswith(_ADMIN_FILES)
            }

    def find(self, request: Request) -> Response | None:
        """The file for a GET request, or None. The client puts its own addresses behind the #."""
        if request.method != "GET" or request.path.startswith(_API_PREFIXES):
            return None
        file = self._files.get(self._pages.get(request.path, request.path))
        if file is None:
            return None
        if file.etag in _words(request.headers.get("if-none-match")):
            return Response(304, b"", self._headers(file))
        accepted = _accepted(request.headers.get("accept-encoding"))
        for encoding, path in file.variants:
            if encoding in accepted:
                return Response(200, b"", (*self._headers(file), ("content-encoding", encoding)), path)
        return Response(200, b"", self._headers(file), file.path)

    def _headers(self, file: _File) -> tuple[tuple[str, str], ...]:
        if not file.has_policy:
            return file.headers
        return (*file.headers, ("content-security-policy", content_security_policy(self._sites())))


def content_security_policy(sites: Iterable[str] = ()) -> str:
    """Only what came with the page runs, and it talks only to this service's sites.

    `wasm-unsafe-eval` is what browsers ask for to compile the WebAssembly of the encryption; `blob:` is
    bytes that the page holds already, from which that program starts.
    """
    origins = " ".join(filter(None, map(_origin, sites)))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            f"connect-src 'self' blob: {origins}".rstrip(),
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and _HOST.fullmatch(parts.netloc)
    return f"{parts.scheme}://{parts.netloc}" if usable else None


def _listed(folder: Path, path: Path) -> _File:
    name = f"/{path.relative_to(folder).as_posix()}"
    etag = f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}"'
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    lasting = "public, max-age=31536000, immutable" if _HASHED.fullmatch(name) else "no-cache"
    headers = [
        ("content-type", kind),
        ("cache-control", lasting),
        ("etag", etag),
        ("vary", "accept-encoding"),
    ]
    variants = [(path.with_name(path.name + suffix), encoding) for suffix, encoding in _ENCODINGS]
    there = sorted((each for each in variants if each[0].is_file()), key=lambda each: each[0].stat().st_size)
    # A worker obeys the policy of its own script's answer, so that carries it too.
    has_policy = path.suffix in (".html", ".js")
    return _File(
        str(path), etag, tuple(headers), has_policy, tuple((encoding, str(each)) for each, encoding in there)
    )


def _words(header: str | None) -> set[str]:
    """The entries of a list header, weak marks taken off."""
    return {word.strip().removeprefix("W/") for word in (header or "").split(",")}


def _accepted(header: str | None) -> set[str]:
    """The encodings of an Accept-Encoding header that are not refused with q=0."""
    accepted = set()
    for entry in (header or "").lower().split(","):
        name, _, weight = entry.partition(";")
        if not re.fullmatch(r"\s*q=0(?:\.0*)?\s*", weight):
            accepted.add(name.strip())
    return accepted

"""The web client's files: what is served, how it is encoded and cached, and what is never served."""

import gzip
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bongsu.api.http import Headers, Request, Response
from bongsu.api.static import FOLDER, StaticFiles, content_security_policy
from tests.server import Server

PAGE = b"<!doctype html><title>page</title>"
SCRIPT = b"console.log('script')"


@pytest.fixture
def files(tmp_path: Path) -> StaticFiles:
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / ".vite").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "index.html").write_bytes(PAGE)
    (folder / ".vite" / "manifest.json").write_text("{}")
    script = folder / "assets" / "main-AbCd_12-.js"
    script.write_bytes(SCRIPT)
    script.with_name(script.name + ".gz").write_bytes(gzip.compress(SCRIPT))
    script.with_name(script.name + ".br").write_bytes(b"br")
    return StaticFiles(folder, lambda: ["https://two.example:8448/base"])


def get(files: StaticFiles, path: str, method: str = "GET", **headers: str) -> Response | None:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return files.find(Request(method, path, {}, "", Headers(given.get), "::1", b""))


def header(response: Response | None, name: str) -> str | None:
    assert response is not None
    return dict(response.headers).get(name)


@pytest.mark.parametrize("path", ["/", "/index.html"])
def test_addresses_of_the_client_get_the_page(files: StaticFiles, path: str) -> None:
    found = get(files, path)
    assert found is not None
    assert found.file is not None
    assert Path(found.file).read_bytes() == PAGE
    assert header(found, "cache-control") == "no-cache"
    policy = header(found, "content-security-policy")
    assert policy is not None
    assert "unsafe-inline" not in policy
    assert "connect-src 'self' blob: https://two.example:8448;" in policy


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "//etc/passwd.txt",
        "/assets/main-AbCd_12-.js.gz",
        "/.vite/manifest.json",
        "/assets/gone.js",
        "/_matrix/client/v3/nothing",
        "/_bongsu/nothing",
        "/.well-known/nothing",
    ],
)
def test_what_is_not_listed_is_not_served(files: StaticFiles, path: str) -> None:
    assert get(files, path) is None


def test_other_methods_get_nothing(files: StaticFiles) -> None:
    assert get(files, "/", "POST") is None


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
def test_the_smallest_accepted_encoding_is_chosen(
    files: StaticFiles, accept: str, encoding: str | None
) -> None:
    found = get(files, "/assets/main-AbCd_12-.js", accept_encoding=accept)
    assert header(found, "content-encoding") == encoding
    assert header(found, "vary") == "accept-encoding"
    assert "immutable" in (header(found, "cache-control") or "")


def test_an_unchanged_file_is_not_sent_again(files: StaticFiles) -> None:
    etag = header(get(files, "/"), "etag")
    assert etag is not None
    again = get(files, "/", if_none_match=f'"other", W/{etag}')
    assert again is not None
    assert (again.status, again.body, again.file) == (304, b"", None)


def test_no_folder_serves_nothing(tmp_path: Path) -> None:
    assert get(StaticFiles(tmp_path / "absent"), "/") is None


def test_the_policy_names_no_site_unless_told() -> None:
    assert "connect-src 'self' blob:;" in content_security_policy()


def test_the_policy_follows_the_sites_without_a_restart(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(PAGE)
    sites = ["https://one.example"]
    files = StaticFiles(tmp_path, lambda: sites)
    page = get(files, "/")
    assert "connect-src 'self' blob: https://one.example;" in (header(page, "content-security-policy") or "")
    sites.append("http://two.example:8008")
    unchanged = get(files, "/", if_none_match=header(page, "etag") or "")
    assert unchanged is not None
    assert unchanged.status == 304
    policy = header(unchanged, "content-security-policy") or ""
    assert "connect-src 'self' blob: https://one.example http://two.example:8008;" in policy


@pytest.mark.parametrize(
    "url",
    [
        "https://a; script-src *",
        "https://a b",
        "javascript://a",
        "ws://a",
        "https://",
        "https://a,b",
        "http://[",
    ],
)
def test_a_site_cannot_write_a_policy_of_its_own(url: str) -> None:
    assert "connect-src 'self' blob:;" in content_security_policy([url])


def test_the_built_client_is_served_over_http(server: Server) -> None:
    assert (FOLDER / "index.html").is_file(), "the web client is not built; run: make install"
    with httpx.Client(base_url=server.url, trust_env=False) as browser:
        page = browser.get("/", headers={"accept-encoding": "gzip"})
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "<script" in page.text
        assert browser.get("/", headers={"if-none-match": page.headers["etag"]}).status_code == 304
        assert browser.head("/").content == b""
        wasm = next((FOLDER / "assets").glob("*.wasm"))
        answer = browser.get(f"/assets/{wasm.name}", headers={"accept-encoding": "gzip"})
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.content == wasm.read_bytes()
        for path in ("/_matrix/nothing", "/_bongsu/nothing", "/.well-known/nothing", "/nothing.js"):
            unknown = browser.get(path)
            assert (unknown.status_code, unknown.json()["errcode"]) == (404, "M_UNRECOGNIZED"), path


def test_no_address_on_the_wire_leaves_the_folder(server: Server) -> None:
    address = urlsplit(server.url)
    for path in ("/../serve.py", "/..%2fserve.py", "/assets/../../serve.py", "/%2e%2e/serve.py"):
        # Raw, because HTTP clients tidy such paths before they send them.
        with socket.create_connection((address.hostname, address.port)) as raw:
            raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: raw.recv(65_536), b""))
        assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), (path, answer[:100])

"""Files and thumbnails: stored once and safely, given only to users, shown in place only where harmless."""

import io
import struct
import threading
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from tests.api.client import User
from tests.server import Server

UPLOAD = "/_matrix/media/v3/upload"
CREATE = "/_matrix/media/v1/create"
DOWNLOAD = "/_matrix/client/v1/media/download"
THUMBNAIL = "/_matrix/client/v1/media/thumbnail"


def upload(user: User, content: bytes, content_type: str = "image/png", name: str | None = None) -> str:
    """Upload; the media id."""
    response = user.request(
        "POST",
        UPLOAD,
        content=content,
        headers={"content-type": content_type},
        query={} if name is None else {"filename": name},
    )
    assert response.status_code == 200, response.text
    uri = response.json()["content_uri"]
    assert uri.startswith("mxc://localhost/")
    return str(uri.removeprefix("mxc://localhost/"))


def download(user: User, media_id: str, *name: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return user.request("GET", DOWNLOAD, "localhost", media_id, *name, headers=headers)


def thumbnail(user: User, media_id: str, **query: object) -> httpx.Response:
    return user.request("GET", THUMBNAIL, "localhost", media_id, query=query)


def picture(size: tuple[int, int], kind: str = "PNG", mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert(mode).save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is enormous."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_file_comes_back_as_it_was_sent(alice: User, bob: User) -> None:
    content = bytes(range(256)) * 5_000
    media_id = upload(alice, content, "application/pdf", "봉수 지도.pdf")
    answer = download(bob, media_id)
    assert answer.content == content
    assert answer.headers["content-type"] == "application/pdf"
    # Who downloads wants to know how much is to come.
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''" + quote("봉수 지도.pdf")
    named = download(bob, media_id, 'a"\r\nx: y.txt')
    assert named.headers["content-disposition"] == "attachment; filename*=utf-8''a%22%0D%0Ax%3A%20y.txt"
    assert "x" not in named.headers


def test_an_empty_file(alice: User) -> None:
    assert download(alice, upload(alice, b"", "text/plain")).content == b""


def test_parts_of_a_file(alice: User) -> None:
    media_id = upload(alice, b"0123456789", "video/mp4")
    part = download(alice, media_id, headers={"range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"234")
    assert part.headers["content-range"] == "bytes 2-4/10"
    assert part.headers["content-length"] == "3"
    assert download(alice, media_id, headers={"range": "bytes=7-"}).content == b"789"
    for odd in ("bytes=20-30", "bytes=5-2", "bytes=-3", "bytes=0-1,3-4", "lines=1-2", "bytes=" + "9" * 50):
        whole = download(alice, media_id, headers={"range": odd})
        assert (whole.status_code, whole.content) == (200, b"0123456789")


def test_the_same_bytes_are_stored_once(alice: User, bob: User, server: Server) -> None:
    content = b"one copy" * 1_000
    first, second = upload(alice, content), upload(bob, content)
    assert first != second
    name = sha256(content).hexdigest()
    path = server.data / "media" / name[:2] / name[2:]
    assert path.read_bytes() == content
    path.write_bytes(b"damaged")
    upload(alice, content)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("content_type", "served", "shown"),
    [
        ("image/png", "image/png", "inline"),
        ("Text/Plain; charset=utf-8", "Text/Plain; charset=utf-8", "inline"),
        ("text/html", "text/html", "attachment"),
        ("image/svg+xml", "image/svg+xml", "attachment"),
        ("application/javascript", "application/javascript", "attachment"),
        ("image/png, text/html", "application/octet-stream", "attachment"),
        ("nonsense", "application/octet-stream", "attachment"),
        ("x/" + "y" * 5_000, "application/octet-stream", "attachment"),
    ],
)
def test_only_harmless_types_are_shown_in_place(
    alice: User, content_type: str, served: str, shown: str
) -> None:
    answer = download(alice, upload(alice, b"<script>alert(1)</script>", content_type))
    assert answer.headers["content-type"] == served
    assert answer.headers["content-disposition"] == shown
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_files_are_not_for_strangers(alice: User, http: httpx.Client) -> None:
    media_id = upload(alice, b"secret", "text/plain")
    stranger = User(http, "")
    stranger.refused(401, "M_MISSING_TOKEN", "GET", DOWNLOAD, "localhost", media_id)
    stranger.refused(401, "M_MISSING_TOKEN", "POST", UPLOAD, content=b"x")
    for path in ("download", "thumbnail"):
        for user in (stranger, alice):
            user.refused(404, "M_NOT_FOUND", "GET", f"/_matrix/media/v3/{path}", "localhost", media_id)


@pytest.mark.parametrize(
    ("server_name", "media_id"),
    [
        ("localhost", "../../etc/passwd"),
        ("localhost", "%2e%2e"),
        ("localhost", "\u2024\u2024"),
        ("localhost", "x\0y"),
        ("localhost", "a" * 5_000),
        ("localhost", "never-given-out"),
        ("elsewhere.example", "abc"),
        ("../..", "abc"),
        ("", "abc"),
    ],
)
def test_odd_media_ids_lead_nowhere(alice: User, server_name: str, media_id: str) -> None:
    for method, path in (("GET", DOWNLOAD), ("GET", THUMBNAIL), ("PUT", UPLOAD)):
        answer = alice.request(
            method,
            path,
            server_name,
            media_id,
            content=b"x" if method == "PUT" else None,
            query={"width": 1, "height": 1},
        )
        assert answer.status_code == 404
        assert answer.json()["errcode"] in ("M_NOT_FOUND", "M_UNRECOGNIZED")


def test_config(alice: User) -> None:
    assert alice.get("/_matrix/client/v1/media/config") == {"m.upload.size": 100 * 1024 * 1024}


def created(user: User) -> str:
    return str(user.post(CREATE)["content_uri"].removeprefix("mxc://localhost/"))


def test_an_id_first_and_its_bytes_later(alice: User, bob: User) -> None:
    media_id = created(alice)
    query = {"timeout_ms": 0}
    alice.refused(504, "M_NOT_YET_UPLOADED", "GET", DOWNLOAD, "localhost", media_id, query=query)
    bob.refused(403, "M_FORBIDDEN", "PUT", UPLOAD, "localhost", media_id, content=b"mine")
    answer = alice.request("PUT", UPLOAD, "localhost", media_id, content=b"later")
    assert answer.status_code == 200
    assert download(bob, media_id).content == b"later"
    alice.refused(409, "M_CANNOT_OVERWRITE_MEDIA", "PUT", UPLOAD, "localhost", media_id, content=b"otherwise")
    assert download(bob, media_id).content == b"later"


def test_a_download_waits_for_its_upload(alice: User, bob: User) -> None:
    media_id = created(alice)
    found: list[bytes] = []
    waiting = threading.Thread(target=lambda: found.append(download(bob, media_id).content))
    waiting.start()
    alice.request("PUT", UPLOAD, "localhost", media_id, content=b"here it is")
    waiting.join(30)
    assert found == [b"here it is"]


def test_nobody_holds_too_many_promises(alice: User) -> None:
    for _ in range(100):
        created(alice)
    alice.refused(429, "M_LIMIT_EXCEEDED", "POST", CREATE)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, User]]:
    """A server that takes at most 1,000 bytes, and a user on it."""
    folder = tmp_path_factory.mktemp("small")
    settings = folder / "settings.toml"
    settings.write_text("upload_bytes_max = 1000\n", encoding="utf-8")
    server = Server(folder, "--config", str(settings))
    server.start()
    try:
        with httpx.Client(base_url=server.url, timeout=30, trust_env=False) as http:
            user = User(http, "carol")
            user.register()
            yield server, user
        server.stop()
        server.verify()
    finally:
        server.kill()


def test_a_file_that_is_too_large_is_refused(small: tuple[Server, User]) -> None:
    server, carol = small
    assert len(download(carol, upload(carol, b"x" * 1_000)).content) == 1_000
    carol.refused(413, "M_TOO_LARGE", "POST", UPLOAD, content=b"x" * 1_001)
    # Without a length, told only by what comes.
    headers = {"authorization": f"Bearer {carol.access_token}"}
    answer = carol.http.post(UPLOAD, content=(b"x" * 100 for _ in range(11)), headers=headers)
    assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")
    assert list((server.data / "media" / "aside").iterdir()) == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_thumbnails(alice: User, kind: str) -> None:
    media_id = upload(alice, picture((1_000, 500), kind), f"image/{kind.lower()}")
    for query, size in (
        ({"width": 320, "height": 240}, (320, 160)),
        ({"width": 320, "height": 240, "method": "scale"}, (320, 160)),
        ({"width": 90, "height": 90, "method": "crop", "animated": "true"}, (96, 96)),
        ({"width": 9_999, "height": 1}, (800, 400)),
    ):
        answer = thumbnail(alice, media_id, **query)
        assert answer.status_code == 200, answer.text
        made = Image.open(io.BytesIO(answer.content))
        assert made.size == size
        assert made.format == ("JPEG" if kind == "JPEG" else "PNG")
        assert answer.headers["content-type"] == f"image/{(made.format or '').lower()}"
        assert answer.headers["content-disposition"].startswith("inline")
        assert "sandbox" in answer.headers["content-security-policy"]


def test_a_small_picture_is_never_made_larger(alice: User) -> None:
    media_id = upload(alice, picture((20, 10), mode="RGBA"))
    for method, size in (("scale", (20, 10)), ("crop", (10, 10))):
        answer = thumbnail(alice, media_id, width=96, height=96, method=method)
        assert Image.open(io.BytesIO(answer.content)).size == size


def test_a_moving_picture_stands_still(alice: User) -> None:
    frames = [Image.new("RGB", (50, 50), (shade, 0, 0)) for shade in range(0, 200, 10)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    answer = thumbnail(alice, upload(alice, file.getvalue(), "image/gif"), width=32, height=32)
    assert getattr(Image.open(io.BytesIO(answer.content)), "n_frames", 1) == 1


def test_a_picture_held_sideways_is_turned(alice: User) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    media_id = upload(alice, picture((400, 200), "JPEG", exif=exif), "image/jpeg")
    answer = thumbnail(alice, media_id, width=320, height=240)
    assert Image.open(io.BytesIO(answer.content)).size == (120, 240)


def test_enormous_pictures_are_refused(alice: User) -> None:
    for width, height in ((60_000, 60_000), (2**31 - 1, 1), (1, 2**31 - 1), (8_000, 7_000)):
        answer = thumbnail(alice, upload(alice, bomb(width, height)), width=96, height=96)
        assert (answer.status_code, answer.json()["errcode"]) in ((413, "M_TOO_LARGE"), (400, "M_UNKNOWN"))
    media_id = upload(alice, bomb(60_000, 60_000))
    answer = thumbnail(alice, media_id, width=96, height=96)
    assert (answer.status_code, answer.json()["errcode"]) == (413, "M_TOO_LARGE")


def tiff() -> bytes:
    return picture((10, 10), "TIFF")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a picture",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        tiff(),
        picture((10, 10), "BMP"),
        picture((100, 100))[:200],
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"GIF89a" + b"\xff" * 100,
        b"RIFF\xff\xff\xff\xffWEBPVP8L" + b"\xff" * 100,
        b"\xff\xd8\xff\xe0" + b"\xff" * 1_000,
    ],
    ids=lambda content: content[:8].hex() or "empty",
)
def test_what_is_no_picture_has_no_thumbnail(alice: User, content: bytes) -> None:
    answer = thumbnail(alice, upload(alice, content), width=32, height=32)
    assert (answer.status_code, answer.json()["errcode"]) == (400, "M_UNKNOWN")


@pytest.mark.parametrize(
    ("query", "errcode"),
    [
        ({}, "M_MISSING_PARAM"),
        ({"width": 32}, "M_MISSING_PARAM"),
        ({"width": -1, "height": 32}, "M_INVALID_PARAM"),
        ({"width": 0, "height": 32}, "M_INVALID_PARAM"),
        ({"width": "many", "height": 32}, "M_INVALID_PARAM"),
        ({"width": 32, "height": 32, "method": "stretch"}, "M_INVALID_PARAM"),
        ({"width": 32, "height": 32, "animated": "perhaps"}, "M_INVALID_PARAM"),
    ],
)
def test_odd_questions_for_thumbnails(alice: User, query: dict[str, object], errcode: str) -> None:
    alice.refused(400, errcode, "GET", THUMBNAIL, "localhost", "abc", query=query)


def test_what_an_earlier_process_left_unfinished_goes(tmp_path: Path) -> None:
    server = Server(tmp_path)
    left = server.data / "media" / "aside" / "half"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a file")
    try:
        server.start()
        assert not left.exists()
        server.stop()
    finally:
        server.kill()

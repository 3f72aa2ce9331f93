"""The root key and the commands that let nodes in and shut them out, as an operator runs them."""

import json
import subprocess
from pathlib import Path

import pytest

from tests import program
from tests.api.client import PASSWORD
from tests.offline.test_commands import login, serving
from tests.server import Server

PASSPHRASE = "봉화대 다섯 번째 횃불"


class Operator:
    """Somebody at a terminal, with a root key on a stick."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root.key"
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
        self.root_key = self.does("root", "init", "--out", self.root, *self.opens)

    @property
    def opens(self) -> tuple[object, ...]:
        return ("--passphrase-file", self.passphrase)

    def run(self, *arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
        done = program.run(*arguments, given=given)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return done

    def does(self, *arguments: object, given: str = "") -> str:
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def fails(self, *arguments: object, given: str = "") -> str:
        done = self.run(*arguments, given=given)
        assert done.returncode == 1, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def certificate(self, data: Path, *arguments: object) -> str:
        request = self.does("site", "request", "--data", data, "--site", data.name)
        return self.does("site", "add", "--root", self.root, *self.opens, *arguments, request)

    def let_in(self, data: Path, *arguments: object) -> str:
        certificate = self.certificate(data, *arguments)
        return self.does("site", "install", "--data", data, "--root-key", self.root_key, certificate)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    return Operator(tmp_path_factory.mktemp("operator"))


def test_a_root_key_is_sealed_and_never_overwritten(operator: Operator) -> None:
    assert operator.does("root", "show", operator.root) == operator.root_key
    assert operator.root.stat().st_mode & 0o077 == 0
    again = operator.fails("root", "init", "--out", operator.root, *operator.opens)
    assert "is never overwritten" in again
    wrong = operator.folder / "wrong"
    wrong.write_text("another passphrase\n", encoding="utf-8")
    said = operator.fails("root", "print", operator.root, "--passphrase-file", wrong)
    assert "The passphrase does not open" in said
    short = operator.folder / "short"
    short.write_text("short\n", encoding="utf-8")
    said = operator.fails("root", "init", "--out", operator.folder / "new", "--passphrase-file", short)
    assert "fewer than 12" in said


def test_a_root_key_survives_on_paper(operator: Operator) -> None:
    paper = operator.does("root", "print", operator.root, *operator.opens)
    assert max(len(line) for line in paper.splitlines()) < 60
    restored = operator.folder / "restored"
    typed = paper.lower()
    assert operator.does("root", "restore", "-", "--out", restored, *operator.opens, given=typed) == (
        operator.root_key
    )
    lines = paper.splitlines()
    lines[2] = lines[2].replace(lines[2][0], "A" if lines[2][0] != "A" else "B", 1)
    said = operator.fails(
        *("root", "restore", "-", "--out", operator.folder / "no", *operator.opens), given="\n".join(lines)
    )
    assert "Line 2 of the printed root key is mistyped." in said


def test_a_root_key_file_cannot_show_another_public_key(operator: Operator, tmp_path: Path) -> None:
    content = json.loads(operator.root.read_text(encoding="utf-8"))
    content["public_key"] = "A" * 43
    forged = tmp_path / "forged"
    forged.write_text(json.dumps(content), encoding="utf-8")
    assert "does not open" in operator.fails("root", "print", forged, *operator.opens)
    forged.write_text("{}", encoding="utf-8")
    assert "is not a root key" in operator.fails("root", "show", forged)


def test_a_node_without_a_certificate_does_not_serve(operator: Operator, tmp_path: Path) -> None:
    said = operator.fails("serve", "--data", tmp_path / "south", "--root-key", operator.root_key)
    assert "has no certificate" in said
    assert "bongsu site request" in said


def test_a_certified_node_serves_and_is_held_to_its_root_key(operator: Operator, tmp_path: Path) -> None:
    server = Server(tmp_path)
    operator.does("site", "request", "--data", server.data, "--out", tmp_path / "request")
    operator.does(
        *("site", "add", "--root", operator.root, *operator.opens, "--site", "south", "--expires", 400),
        *(tmp_path / "request", "--out", tmp_path / "certificate"),
    )
    install = ("site", "install", "--data", server.data, tmp_path / "certificate")
    assert "has no root key" in operator.fails(*install)
    said = operator.does(*install, "--root-key", operator.root_key)
    assert said.endswith("is a core node of the site south.")
    operator.does("user", "add", "--data", server.data, "alice", "--password", PASSWORD)
    with serving(server) as stranger:
        alice = login(stranger, "alice", PASSWORD)
        alice.send(alice.create_room(), "봉수")
    (row,) = operator.does("site", "list", "--data", server.data).splitlines()
    node, site, role, state = row.split("\t")
    assert (len(node), site, role) == (32, "south", "core")
    assert state.startswith("in force until 20")
    operator.does("verify", "--data", server.data)
    operator.does("rebuild", "--data", server.data)
    other = "A" * 43
    assert "belongs to the service of" in operator.fails("verify", "--data", server.data, "--root-key", other)


def test_a_service_by_itself_may_get_a_root_key(operator: Operator, tmp_path: Path) -> None:
    data = tmp_path / "south"
    operator.does("user", "add", "--data", data, "alice", "--password", PASSWORD)
    said = operator.fails("user", "list", "--data", data, "--root-key", operator.root_key)
    assert "has no certificate" in said
    # A root key given by mistake binds nobody.
    assert operator.does("user", "list", "--data", data) == "@alice:localhost\tactive"
    operator.let_in(data)
    assert operator.does("user", "list", "--data", data) == "@alice:localhost\tactive"


def test_what_is_not_for_this_node_is_not_installed(operator: Operator, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    certificate = operator.certificate(one)
    operator.does("site", "request", "--data", two)
    install = ("site", "install", "--root-key", operator.root_key)
    said = operator.fails(*install, "--data", two, certificate)
    assert "This is the certificate of node" in said
    assert "is damaged" in operator.fails(*install, "--data", one, certificate[:-8])
    assert "cannot be read" in operator.fails(*install, "--data", one, tmp_path / "nothing")
    other = Operator(_made(tmp_path / "other"))
    said = operator.fails(*install, "--data", one, other.certificate(one))
    assert "not signed by the key" in said
    operator.let_in(one)
    said = operator.fails("serve", "--data", one, "--site", "elsewhere")
    assert "the node's certificate says one" in said


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_revoked_node_takes_nothing_new_and_can_be_read(operator: Operator, tmp_path: Path) -> None:
    server = Server(tmp_path)
    operator.let_in(server.data)
    operator.does("user", "add", "--data", server.data, "alice", "--password", PASSWORD)
    name = operator.does("site", "list", "--data", server.data).split("\t")[1]
    signs = ("--root", operator.root, *operator.opens)
    said = operator.fails("site", "revoke", "--data", server.data, *signs, name)
    assert "is the last data centre" in said
    revocation = operator.does("site", "revoke", "--data", server.data, *signs, "--last", name)
    assert revocation.startswith("revocation:")
    assert operator.does("site", "list", "--data", server.data).endswith("revoked")
    assert operator.does("user", "list", "--data", server.data) == "@alice:localhost\tactive"
    said = operator.fails("user", "add", "--data", server.data, "bob", "--password", PASSWORD)
    assert "This site was shut out of the service by its operators" in said
    with serving(server) as stranger:
        refused = stranger.http.post(
            "/_matrix/client/v3/login",
            json={
                "type": "m.login.password",
                "identifier": {"type": "m.id.user", "user": "alice"},
                "password": PASSWORD,
            },
        )
        assert refused.status_code == 403
        assert "was shut out" in refused.json()["error"]
    operator.does("verify", "--data", server.data)


def test_a_revocation_is_signed_apart_and_handed_in(operator: Operator, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    operator.let_in(one)
    operator.does("user", "add", "--data", one, "alice", "--password", PASSWORD)
    operator.let_in(two)
    operator.does("user", "list", "--data", one)
    node, cuts = operator.does("site", "cuts", "--data", one, "one").split("\t")
    past = operator.does("site", "cuts", "--data", one, node, "--at", "2001-01-01T00:00").partition("\t")[2]
    assert past == ""
    assert "text/" in cuts
    sign = ("site", "revoke", "--only-sign", "--root", operator.root, *operator.opens)
    revocation = operator.does(*sign, node, "--at", cuts)
    assert operator.run(*sign, "one", "--at", cuts).returncode == 2
    operator.does("user", "add", "--data", two, "bob", "--password", PASSWORD)
    assert operator.does("site", "hand-in", "--data", two, revocation) == f"Revoked node {node}."
    assert f"{node}\t?\t?\trevoked" in operator.does("site", "list", "--data", two)
    said = operator.fails("site", "hand-in", "--data", two, revocation[:-3])
    assert "This revocation" in said
    said = operator.fails("site", "cuts", "--data", two, "nowhere")
    assert "There is no node at the site nowhere." in said
    said = operator.fails("site", "cuts", "--data", two, "two", "--at", "yesterday")
    assert "neither now" in said


def test_a_core_node_signs_for_hubs_if_it_may(operator: Operator, tmp_path: Path) -> None:
    core, plain = tmp_path / "core", tmp_path / "plain"
    operator.let_in(core, "--delegate")
    operator.let_in(plain)
    for data in (core, plain):
        operator.does("user", "add", "--data", data, "alice", "--password", PASSWORD)
    request = operator.does("site", "request", "--data", tmp_path / "hub-1", "--site", "hub-1")
    certificate = operator.does("site", "add-hub", "--data", core, request)
    assert certificate.startswith("certificate:")
    assert "may not sign for hubs" in operator.fails("site", "add-hub", "--data", plain, request)
    said = operator.fails(
        *("site", "add", "--root", operator.root, *operator.opens, "--role", "hub", "--delegate", request)
    )
    assert "Only a core node" in said
    # The root key signs the hub anew, from the certificate alone, once the delegate is revoked.
    anew = operator.does("site", "add", "--root", operator.root, *operator.opens, certificate)
    assert anew != certificate


def test_a_running_node_is_asked_and_told(operator: Operator, tmp_path: Path) -> None:
    server = Server(tmp_path)
    operator.let_in(server.data)
    operator.does("user", "add", "--data", server.data, "alice", "--password", PASSWORD)
    signs = ("--root", operator.root, *operator.opens)
    other = Operator(_made(tmp_path / "other"))
    with serving(server) as stranger:
        alice = login(stranger, "alice", PASSWORD)
        room_id = alice.create_room()
        revoke = ("site", "revoke", "--url", server.url)
        said = other.fails(*revoke, "--root", other.root, *other.opens, "data")
        assert "is not signed by the key" in said
        unknown = operator.fails(*revoke, *signs, "nowhere")
        assert "refused: There is no node at the site nowhere" in unknown
        hand_in = ("site", "hand-in", "--url", server.url)
        forged = other.does(
            *("site", "revoke", "--only-sign", "--root", other.root, *other.opens, "00" * 16, "--at", "")
        )
        assert "is not signed by the key" in operator.fails(*hand_in, forged)
        alice.send(room_id, "still here")
        assert "is the last data centre" in operator.fails(*revoke, *signs, server.data.name)
        revocation = operator.does(*revoke, *signs, "--last", server.data.name)
        assert operator.does(*hand_in, revocation).startswith("Revoked node ")
        refused = alice.http.put(
            f"/_matrix/client/v3/rooms/{room_id}/send/m.room.message/1",
            json={"msgtype": "m.text", "body": "too late"},
            headers={"Authorization": f"Bearer {alice.access_token}"},
        )
        assert refused.status_code == 403
        assert "was shut out" in refused.json()["error"]
    assert "does not answer" in operator.fails("site", "hand-in", "--url", server.url, revocation)
    assert "begins with http" in operator.fails("site", "hand-in", "--url", "file:///etc/passwd", revocation)
    operator.does("verify", "--data", server.data)

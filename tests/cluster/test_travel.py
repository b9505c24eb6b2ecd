"""How files travel between a node and the search, seen without Ray: none torn, none late, none elsewhere."""

import json
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from results import layout
from search.cluster import host as hosts
from search.cluster.carry import pack, unpack
from search.cluster.folder import node_folder
from search.cluster.frames import Frames, frame
from search.cluster.incoming import Incoming
from search.cluster.outgoing import CHUNK, SMALL, Outgoing
from search.executor import ExecutorError
from search.script import Script, read_script

Message = tuple[dict[str, Any], bytes]


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A node's run directory."""
    (tmp_path / "there").mkdir()
    return tmp_path / "there"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The search's."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


class Wire:
    """Carries what one side sends to the other when it is told to."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def say(self, payload: bytes = b"", **message: Any) -> None:
        """Send, as an `Outgoing` does."""
        self.sent.append((message, payload))

    def deliver(self, incoming: Incoming) -> list[str]:
        """Write what was sent; return the paths."""
        sent, self.sent = self.sent, []
        for message, payload in sent:
            incoming.write(message, payload)
        return [message["path"] for message, _ in sent]


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def test_frames_come_whole_however_the_stream_is_cut() -> None:
    stream = (
        frame(b"\0\1", op="a", text="ü\n") + frame(op="b", number=float("inf")) + frame(b"x" * 3000, op="c")
    )
    frames = Frames()
    found = [message for at in range(len(stream)) for message in frames.feed(stream[at : at + 1])]
    assert found == [
        ({"op": "a", "text": "ü\n"}, b"\0\1"),
        ({"op": "b", "number": float("inf")}, b""),
        ({"op": "c"}, b"x" * 3000),
    ]


def test_a_run_is_followed_as_it_grows_and_is_whole_at_the_end(there: Path, here: Path) -> None:
    wire, incoming = Wire(), Incoming(here)
    outgoing = Outgoing(there, wire.say)
    (there / layout.METRICS).write_bytes(b'{"step": 1}\n{"ste')  # torn in the middle of a line
    (there / "plots").mkdir()
    (there / "plots" / "a.png").write_bytes(b"first")
    (there / "model.keras").write_bytes(os.urandom(SMALL + 1))
    outgoing.look()
    wire.deliver(incoming)
    assert content(here) == {layout.METRICS: b'{"step": 1}\n{"ste', "plots/a.png": b"first"}
    with (there / layout.METRICS).open("ab") as file:
        file.write(b'p": 2}\n')
    (there / "plots" / "a.png").write_bytes(b"other")  # of the same size, at nearly the same time
    (there / "gone").write_bytes(b"x")
    outgoing.look()
    (there / "gone").unlink()
    (there / "empty").mkdir()
    (there / "model.keras").write_bytes(os.urandom(3 * CHUNK + 5))
    (there / "link").symlink_to("plots/a.png")
    outgoing.look(last=True)
    wire.deliver(incoming)
    assert content(here) == content(there)
    assert (here / "empty").is_dir()
    assert os.readlink(here / "link") == "plots/a.png"


@pytest.mark.parametrize("last", [False, True])
def test_a_name_may_be_a_file_now_and_a_directory_then(last: bool, there: Path, here: Path) -> None:
    wire, incoming = Wire(), Incoming(here)
    outgoing = Outgoing(there, wire.say)
    (there / "file").write_text("x")
    for folder in ("folder", "linked", "gone", "kept"):
        (there / folder / "below").mkdir(parents=True)
        (there / folder / "below" / "a").write_text("x")
    outgoing.look()
    wire.deliver(incoming)
    (there / "file").unlink()
    (there / "file").mkdir()
    (there / "file" / "b").write_text("y")
    for folder in ("folder", "linked", "gone"):
        shutil.rmtree(there / folder)
    (there / "folder").write_text("z")
    (there / "linked").symlink_to("kept")
    (there / "kept" / "below" / "a").unlink()
    outgoing.look(last)
    outgoing.look(last=True)
    wire.deliver(incoming)
    assert content(here) == content(there)
    assert sorted(path.relative_to(here) for path in here.rglob("*")) == sorted(
        path.relative_to(there) for path in there.rglob("*")
    )


def test_what_has_not_changed_is_sent_once(there: Path, here: Path) -> None:
    wire, incoming = Wire(), Incoming(here)
    outgoing = Outgoing(there, wire.say)
    (there / "old.json").write_text("{}")
    os.utime(there / "old.json", (1, 1))
    (there / layout.OUTPUT).write_text("a line\n")
    outgoing.look()
    assert sorted(wire.deliver(incoming)) == ["old.json", layout.OUTPUT]
    outgoing.look()
    assert wire.deliver(incoming) == []


def test_a_log_that_is_begun_anew_is_taken_anew(there: Path, here: Path) -> None:
    wire, incoming = Wire(), Incoming(here)
    outgoing = Outgoing(there, wire.say)
    for text in ("first and long\n", "second\n", ""):
        (there / layout.OUTPUT).write_text(text)
        outgoing.look()
        wire.deliver(incoming)
        assert (here / layout.OUTPUT).read_text() == text


def test_the_searchs_own_files_stay_its_own(there: Path, here: Path) -> None:
    wire, incoming = Wire(), Incoming(here)
    for name in (layout.RUN, layout.OUTCOME, layout.SESSION_EVENTS, layout.NODE):
        (there / name).write_text("theirs")
        (here / name).write_text("ours")
        with pytest.raises(ExecutorError, match="isn't its to write"):
            incoming.write({"op": "append", "path": name, "at": 0}, b"theirs")
        with pytest.raises(ExecutorError, match="isn't its to write"):
            incoming.write({"op": "append", "path": f"./{name}", "at": 0}, b"theirs")
    (there / f".{layout.PROPERTIES}.1-2.tmp").write_text("half a fil")
    Outgoing(there, wire.say).look(last=True)
    assert wire.deliver(incoming) == []
    assert set(content(here).values()) == {b"ours"}


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/../../x", "", ".", "out/x"])
def test_a_node_writes_nothing_outside_the_run(name: str, here: Path, tmp_path: Path) -> None:
    (here / "out").symlink_to(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ExecutorError):
        Incoming(here).write({"op": "append", "path": name, "at": 0}, b"x")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_late_writer_is_refused_and_nothing_half_is_left(here: Path) -> None:
    incoming = Incoming(here)
    incoming.write({"op": "append", "path": layout.METRICS, "at": 0}, b"{}\n")
    put = {"op": "put", "path": "model.keras", "end": False, "mode": 0o644}
    incoming.write({**put, "at": 0}, b"half")
    assert (here / ".model.keras.part").exists()
    incoming.close()
    for late in ({**put, "at": 4, "end": True}, {"op": "append", "path": layout.METRICS, "at": 3}):
        with pytest.raises(ExecutorError, match="has ended, but its node still sends"):
            incoming.write(late, b"late")
    assert content(here) == {layout.METRICS: b"{}\n"}


def test_a_piece_that_comes_twice_changes_nothing(here: Path) -> None:
    incoming = Incoming(here)
    for at, data in ((0, b"one\n"), (4, b"two\n"), (4, b"two\n")):
        incoming.write({"op": "append", "path": layout.OUTPUT, "at": at}, data)
    assert (here / layout.OUTPUT).read_bytes() == b"one\ntwo\n"


def packed(script: Script) -> Message:
    (found,) = Frames().feed(pack(script, threads=1, start_method="fork"))
    return found


def test_a_script_is_run_in_place_where_its_files_are_the_same(tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "parts").mkdir(parents=True)
    (code / "train.py").write_text("import os\nos.environ['A'] = 'b'\nfrom parts import net\nimport json\n")
    (code / "parts" / "__init__.py").write_text("")
    (code / "parts" / "net.py").write_text("X = 1\n")
    script = read_script(code / "train.py")
    message = packed(script)
    same, root = unpack(*message, tmp_path / "copies")
    assert (same, root) == (script, code)
    assert not (tmp_path / "copies").exists()
    (code / "parts" / "net.py").write_text("X = 2\n")
    copied, root = unpack(*message, tmp_path / "copies")
    assert root == tmp_path / "copies"
    assert copied.changed() is None
    assert {path.relative_to(root) for path in copied.digests} == {
        p.relative_to(code) for p in script.digests
    }
    assert (copied.modules, copied.shown) == (script.modules, script.shown)
    assert copied.environment == {"A": "b"}
    assert (root / "parts" / "net.py").read_text() == "X = 1\n"


def test_a_folder_that_a_killed_host_left_is_removed_and_no_other() -> None:
    with node_folder() as first:
        with node_folder() as second:
            assert first.exists() and second.exists()
            left = first.with_name(first.name + "-left")
            left.mkdir()
            (left / ".lock").touch()
            with node_folder():
                assert first.exists() and second.exists()
                assert not left.exists()
        assert not second.exists()
    assert not first.exists()


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Callable[[str], socket.socket]]:
    """A host in a thread of this process, and the socket that speaks with it."""
    ends: list[tuple[socket.socket, threading.Thread]] = []

    def start(text: str) -> socket.socket:
        (tmp_path / "train.py").write_text(text)
        ours, theirs = socket.socketpair()
        ours.sendall(pack(read_script(tmp_path / "train.py"), threads=1, start_method="fork"))
        here = os.getcwd()

        def serve() -> None:
            (tmp_path / "node").mkdir()
            host = hosts.Host(theirs, tmp_path / "node")
            try:
                host.serve()
            except hosts.Gone:
                host.executor.close()
                os.chdir(here)
                theirs.close()

        thread = threading.Thread(target=serve)
        thread.start()
        ends.append((ours, thread))
        return ours

    yield start
    for end, thread in ends:
        end.close()
        thread.join(60)


def heard(link: socket.socket, until: str) -> list[Message]:
    """What a host says, up to a message."""
    frames, found = Frames(), []
    link.settimeout(60)
    while not any(message["op"] == until for message, _ in found):
        found += frames.feed(link.recv(1 << 16))
    return found


def test_orders_that_come_twice_are_carried_out_once(hosted: Callable[[str], socket.socket]) -> None:
    link = hosted(
        "from results import log_metrics\nfrom spaces import flag_integer, flags\n"
        "F = flags(flag_integer('a', 1))\nfor step in (1, 2, 3):\n    log_metrics(step, loss=F.a)\n"
    )
    record = json.dumps({"number": 7}).encode()
    start = frame(record, op="start", id=1, number=7, name="run", flags={"a": 3}, seed=1, asks=True,
                  files={layout.RUN: len(record)}, entry=None)  # fmt: skip
    link.sendall(start + start)
    assert [message["step"] for message, _ in heard(link, "report") if message["op"] == "report"] == [1]
    answer = frame(op="answer", id=1, report=1, stop=False)
    link.sendall(start + answer + answer)
    (report,) = [message for message, _ in heard(link, "report") if message["op"] == "report"]
    assert (report["step"], report["report"]) == (2, 2)  # the second answer isn't taken for one to this
    # An order to end another attempt, which came too late, is no answer to this one.
    link.sendall(frame(op="kill", id=0) + frame(op="answer", id=1, report=2, stop=True))
    messages = heard(link, "ended")
    assert not any(message["op"] == "report" for message, _ in messages)  # given up after the second
    (ended,) = [message for message, _ in messages if message["op"] == "ended"]
    assert (ended["exit_code"], ended["signal"]) == (0, None)
    assert not any(message.get("path") == layout.RUN for message, _ in messages)

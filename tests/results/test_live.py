"""The live report over HTTP: what it serves, to whom, and what it says of changes and mistakes."""

import http.client
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from results.errors import ResultsError
from results.live import serving
from search.cli import main

MakeRun = Callable[..., Path]
MakeStudy = Callable[..., Path]


@pytest.fixture
def study(make_study: MakeStudy, make_run: MakeRun) -> Path:
    folder = make_study("s")
    make_run({"val_loss": 1.0}, study="s", flags={"a": 1}, number=0)
    return folder


@pytest.fixture
def port(study: Path) -> Iterator[int]:
    with serving(study) as url:
        yield urlsplit(url).port or 0


def ask(
    port: int, path: str = "/", method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers=named)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer, body


def test_the_page_is_served_and_says_how_it_follows(port: int) -> None:
    answer, body = ask(port)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "connect-src 'self'" in body
    assert 'fetch("/?parts"' in body
    assert ask(port, Host=f"localhost:{port}")[0].status == 200
    head, nothing = ask(port, method="HEAD")
    assert (head.status, nothing) == (200, "")


def test_parts_come_only_when_something_changed(port: int, make_run: MakeRun) -> None:
    first, body = ask(port, "/?parts")
    assert first.status == 200
    assert body.startswith('<main id="main"')
    assert "plotly.js v" not in body
    tag = body.split('data-tag="')[1].split('"')[0]
    assert ask(port, "/?parts", If_None_Match=tag)[0].status == 304
    make_run({"val_loss": 0.25}, study="s", flags={"a": 2}, number=1)
    again, body = ask(port, "/?parts", If_None_Match=tag)
    assert again.status == 200
    assert '<td title="0.25">0.25</td>' in body


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{}", "127.0.0.1", "localhost:1", ""])
def test_a_request_under_another_name_is_refused(port: int, host: str) -> None:
    answer, body = ask(port, Host=host.format(port))
    assert (answer.status, body) == (421, "this server is 127.0.0.1 or localhost")


@pytest.mark.parametrize("path", ["/x", "/study.json", "/../study.json", "/?x", "/?parts=1"])
def test_nothing_else_is_served(port: int, path: str) -> None:
    answer, body = ask(port, path)
    assert (answer.status, body) == (404, "there is nothing but the report at /")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert ask(port, method="POST")[0].status == 501


def test_what_goes_wrong_with_the_study_is_said_in_one_line(port: int, study: Path) -> None:
    (study / "study.json").unlink()
    answer, body = ask(port, "/?parts")
    assert (answer.status, body) == (500, "no study at 'runs/s': it has no study.json")


def test_a_port_that_cannot_be_had_is_an_error(study: Path, port: int) -> None:
    with (
        pytest.raises(ResultsError, match=rf"^can't listen on 127.0.0.1:{port}: Address already in use$"),
        serving(study, port=port),
    ):
        pass
    with (
        pytest.raises(ResultsError, match=r"^port must be in \[0, 65535\], but got 65536$"),
        serving(study, port=65536),
    ):
        pass


def test_it_listens_on_this_machine_only(port: int) -> None:
    with socket.socket() as other:
        other.settimeout(5)
        # 127.0.0.2 is this machine too, but not the address that we listen on.
        assert other.connect_ex(("127.0.0.2", port)) != 0


def test_a_study_without_runs_is_served(make_study: MakeStudy) -> None:
    with serving(make_study("empty")) as url:
        answer, body = ask(urlsplit(url).port or 0)
    assert answer.status == 200
    assert "No run has started yet." in body


def test_the_command_serves_until_ctrl_c(study: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "gridruns", "report", "s", "--serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("Report of 'runs/s': http://127.0.0.1:")
        assert ask(int(said.split(":")[3].split("/")[0]))[0].status == 200
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=30) == ("", "")
        assert process.returncode == 0


def test_the_command_refuses_what_does_not_fit_together(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "--serve", "--output", "x.html"]) == 2
    assert capsys.readouterr().err == (
        "gridruns: --output writes a file and --serve doesn't: give one of them\n"
    )
    assert main(["report", "--port", "1"]) == 2
    assert capsys.readouterr().err == "gridruns: --port needs --serve\n"
    assert main(["report", "nowhere", "--serve"]) == 2
    assert capsys.readouterr().err == "gridruns: unknown study 'nowhere' (known: s)\n"
    assert main(["report", "runs/nowhere", "--serve"]) == 2
    assert capsys.readouterr().err == "gridruns: no study at 'runs/nowhere': it has no study.json\n"

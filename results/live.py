"""A report that follows its search: a small server on this machine only.

It serves one page at `/`, and at `/?parts` the parts of that page, which the page asks for every few
seconds (pages/live.js). The runs are read again only when a file of theirs has changed. Nothing else is
served, to nobody else: it listens on 127.0.0.1, and a request must name that address or localhost, so that
no other website can reach it under a name of its own (DNS rebinding).
"""

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from results.errors import ResultsError
from results.pages.report import main, page, sections_of
from results.pages.study import PathLike, StudyResults, check_study, latest_study, read_study
from results.runs import find_runs

HOST = "127.0.0.1"
PORT = 6010
PARTS = "/?parts"

_LOG = logging.getLogger(__name__)
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Built:
    """A report as it stood.

    Attributes:
        signature: Of the files that it was made from.
        study: What was read.
        tag: A digest of its parts.
        parts: The element `main`.
    """

    signature: Signature
    study: StudyResults
    tag: str
    parts: str


class Report:
    """The newest report of a study, made again when it is asked for and a file has changed.

    Args:
        folder: The study's directory.
        metric: See `results.report`.
        goal: See `results.report`.
    """

    def __init__(self, folder: Path, metric: str | None = None, goal: str | None = None) -> None:
        self._folder, self._metric, self._goal = folder, metric, goal
        self._lock = threading.Lock()
        self._built: Built | None = None

    def newest(self) -> Built:
        """The report as the files are now.

        Raises:
            ResultsError: See `results.report`.
        """
        with self._lock:
            signature = _signature(self._folder)
            if self._built is None or self._built.signature != signature:
                study = read_study(self._folder, self._metric, self._goal)
                parts = main(study, sections_of(study, thorough=False))
                tag = parts.split('data-tag="', 1)[1].split('"', 1)[0]
                self._built = Built(signature, study, tag, parts)
            return self._built


def serve_report(
    study_dir: PathLike | None = None,
    metric: str | None = None,
    goal: str | None = None,
    port: int = PORT,
    runs_dir: PathLike = "runs",
) -> None:
    """Serve a study's report, which follows the search, until Ctrl-C; print its URL.

    Args:
        study_dir: See `results.report`.
        metric: See `results.report`.
        goal: See `results.report`.
        port: In [0, 65535]; 0 takes a free one.
        runs_dir: See `results.report`.

    Raises:
        ResultsError: See `results.report`; also a port that is taken or isn't one.
    """
    folder = latest_study(runs_dir) if study_dir is None else Path(study_dir)
    with serving(folder, metric, goal, port) as url:
        print(f"Report of {str(folder)!r}: {url} (Ctrl-C ends it)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


@contextmanager
def serving(folder: Path, metric: str | None = None, goal: str | None = None, port: int = 0) -> Iterator[str]:
    """The URL of a live report while the context is open; arguments and errors are as of `serve_report`."""
    if not 0 <= port <= 65535:
        raise ResultsError(f"port must be in [0, 65535], but got {port}")
    report = Report(folder, metric, goal)
    report.newest()  # what is wrong with the study is said here and not in a browser
    try:
        server = _Server(report, port)
    except OSError as error:
        raise ResultsError(f"can't listen on {HOST}:{port}: {error.strerror}") from None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, report: Report, port: int) -> None:
        self.report = report
        super().__init__((HOST, port), _Handler)
        self.hosts = {f"{name}:{self.server_port}" for name in (HOST, "localhost")}


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "gridruns"
    sys_version = ""
    timeout = 30  # seconds in which a client must have sent its request

    def do_GET(self) -> None:
        """Answer with the page, its parts, or why not in one line."""
        if self.headers.get("Host") not in self.server.hosts:
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, f"this server is {HOST} or localhost")
            return
        if self.path not in ("/", PARTS):
            self._answer(HTTPStatus.NOT_FOUND, "there is nothing but the report at /")
            return
        try:
            built = self.server.report.newest()
        except ResultsError as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
            return
        if self.path == "/":
            self._answer(HTTPStatus.OK, page(built.study, live=True))
        elif self.headers.get("If-None-Match") == built.tag:
            self._answer(HTTPStatus.NOT_MODIFIED, "")
        else:
            self._answer(HTTPStatus.OK, built.parts)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Log a request as the library's, not on the user's screen."""
        _LOG.debug(format, *args)

    def _answer(self, status: HTTPStatus, content: str) -> None:
        body = content.encode()
        self.send_response(status)
        for name, value in _HEADERS.items():
            plain = name == "Content-Type" and status not in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED)
            self.send_header(name, "text/plain; charset=utf-8" if plain else value)
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET" and body:
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the reader has gone


def _signature(folder: Path) -> Signature:
    """Each file of the study that a report is made of, its size and the time of its last change.

    Raises:
        ResultsError: It is no study.
    """
    check_study(folder)
    found = []
    for place in (folder, *find_runs(folder)):
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.name.endswith((".json", ".jsonl")) and entry.is_file(follow_symlinks=False):
                        known = entry.stat(follow_symlinks=False)
                        found.append((entry.path, known.st_size, known.st_mtime_ns))
        except FileNotFoundError:
            continue  # removed while we looked
    return tuple(sorted(found))

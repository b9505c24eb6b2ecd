"""What tests share: signals as a terminal has them, and a real browser.

The browser is headless Chromium. What its console says or a page fetches fails the test.
"""

import importlib.util
import os
import secrets
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine may stand still for a second while an example is drawn: that says nothing of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

CHROMIUM = Path("/usr/bin/chromium")
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
RAY = ("test_benchmarks", "test_executors", "test_keras", "test_reports")  # files beside tests/cluster
OFFLINE = ("file:", "data:", "blob:", "about:")
LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "ws://127.0.0.1:", "ws://localhost:")


def pytest_configure() -> None:
    """Heed the signals that whoever started the tests may ignore (`nohup`, a shell's `&`).

    What is ignored stays so in the processes that tests start, and then no signal would end them.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n 2 --dist loadfile` a file's tests stay in one process, and so do all that share a server."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByServer(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = Path(nodeid.partition("::")[0])
            if file.parent.name == "cluster" or file.stem in RAY:
                return "Ray"
            return "database" if file.parent.name == "storage" else str(file)

    return ByServer(config, log)


@pytest.fixture(scope="session")
def ray_token() -> None:
    """A token for all of Ray that tests start; set before Ray is imported, which reads it once."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("NO RAY: nothing was run on a cluster; pip install 'gridruns[ray]'")
    ours = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    os.environ.update(ours)


@pytest.fixture(scope="session")
def ray_here(ray_token: None) -> Iterator[Any]:
    """Ray on this machine, connected with this process; one for all tests, since its start takes seconds."""
    from search.cluster.connection import Connection
    from search.cluster.settings import Cluster

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own
        connection = Connection(Cluster())
    yield connection.ray
    connection.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, one for all tests of a module."""
    if not CHROMIUM.exists():
        pytest.skip(f"NO BROWSER: {CHROMIUM} is missing, so no page was looked at; apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield opened
        opened.close()


@contextmanager
def watched(browser: Any, allowed: tuple[str, ...], **context: Any) -> Iterator[Any]:
    """A page in a context of its own that must log no error and ask for nothing but what is allowed."""
    complaints: list[str] = []

    def logged(message: Any) -> None:
        if message.type == "error":
            complaints.append(f"console: {message.text}")

    def requested(request: Any) -> None:
        if not request.url.startswith(allowed):
            complaints.append(f"asked for {request.url}")

    inside = browser.new_context(**context)
    page = inside.new_page()
    page.set_default_timeout(20_000)
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))
    page.on("console", logged)
    page.on("request", requested)
    yield page
    inside.close()
    assert complaints == []


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page for files: nothing may be fetched, no error or warning logged."""
    with watched(browser, OFFLINE) as opened:
        yield opened


@pytest.fixture
def loopback_page(browser: Any) -> Iterator[Any]:
    """A page for what a test serves on this machine: nothing may be fetched from elsewhere."""
    with watched(browser, (*OFFLINE, *LOOPBACK)) as opened:
        yield opened


@pytest.fixture
def page_with(browser: Any) -> Callable[..., Any]:
    """`page` as a context manager with options of the browser's context: `page_with(color_scheme="dark")`."""
    return lambda **context: watched(browser, OFFLINE, **context)

"""Signs of life: while a search runs trials, a thread changes a counter of each in the database."""

import threading
from collections.abc import Callable
from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError

from search.storage.connection import Connection, Unreachable

BEAT = "gridruns:beat"
INTERVAL = 15.0  # seconds


class Heart:
    """The thread. It has its own connection, so that a search that waits for something beats on."""

    def __init__(self, connection: Connection, is_there: Callable[[], bool]) -> None:
        """Beat for no trial yet.

        Args:
            connection: To the database.
            is_there: Whether the study is there still; of another one the trials may have the same numbers.
        """
        self._connection, self._is_there = connection, is_there
        self._trials: set[int] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gridruns-heart", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; a beat under way is waited for, a database that doesn't answer isn't."""
        self._over.set()
        self._thread.join(timeout=2 * INTERVAL)

    def add(self, trial_id: int) -> None:
        """Beat for one more trial."""
        with self._lock:
            self._trials.add(trial_id)

    def remove(self, trial_id: int) -> None:
        """Beat no more for a trial."""
        with self._lock:
            self._trials.discard(trial_id)

    def _run(self) -> None:
        count = 0
        while not self._over.wait(INTERVAL):
            count += 1
            # What can't be written now is written the next time; the search itself says so on the screen.
            with suppress(Unreachable):
                self._beat(count)
        self._connection.storage.remove_session()

    def _beat(self, count: int) -> None:
        with self._lock:
            trials = sorted(self._trials)
        with self._connection.reaching():
            if not (trials and self._is_there()):
                return
        for trial_id in trials:
            with self._connection.reaching(), suppress(UpdateFinishedTrialError, KeyError):
                self._connection.storage.set_trial_system_attr(trial_id, BEAT, count)

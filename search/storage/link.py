"""A search's way to its study in a database: what the study is there, for all machines, and its trials."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from search.past import Past, content, read_content
from search.plan import is_fewer, trials_words
from search.quiet import quiet_optuna
from search.script import Script
from search.storage.address import NO_STORAGE, StorageError, read_address
from search.storage.connection import MADE, START_SECONDS, Connection, Lock, Unreachable, study_lock_name
from search.study import Study, StudyError
from search.study_file import differences, load, to_json

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial

    from search.schedule import Schedule

MARK = "gridruns"
LOCAL = ("created", "execution", "rerun", "storage", "name")
"""What of study.json is one machine's own."""


def chosen_storage(asked: str | None, before: Study | None) -> str | None:
    """The URL of the database that a search uses, or None: what is asked for, else what the study had.

    Args:
        asked: A URL, "none" to leave the database that the study had, or None.
        before: The study that goes on.
    """
    if asked is None:
        return None if before is None else before.storage
    return None if asked == NO_STORAGE else asked


@contextmanager
def opened_link(url: str | None) -> Iterator["Link | None"]:
    """The way to a database for as long as the block runs; None without a URL.

    Raises:
        StorageError: The URL is none, or the database can't be used.
    """
    if url is None:
        yield None
        return
    link = Link(url)
    try:
        yield link
    finally:
        link.close()


def settled_runs(study: Study) -> set[str]:
    """The contents of a study's runs that its database knows to be settled (see `Link.settled`).

    Raises:
        StorageError: The database can't be used.
    """
    with opened_link(study.storage) as link:
        return set() if link is None else link.settled(study)


class Link:
    """A search's way to its study in a database."""

    def __init__(self, url: str) -> None:
        """Connect.

        Raises:
            StorageError: The URL is none, or the database can't be used.
        """
        self._address = read_address(url)
        self._connection = Connection(self._address)
        self._storage = self._connection.storage

    @property
    def public(self) -> str:
        """The URL without its password."""
        return self._address.public

    def known(self, name: str) -> dict[str, Any] | None:
        """What a study is in the database, as in study.json; None where there is none of this name.

        Raises:
            StorageError: The study there is none of gridruns', or the database can't be reached.
        """
        try:
            with self._connection.reaching():
                return self._known(name)
        except Unreachable as error:
            raise self._cannot(error) from None

    def check(self, known: Mapping[str, Any], study: Study) -> None:
        """Refuse what is another study than the one in the database.

        Args:
            known: The one in the database.
            study: What is asked for.

        Raises:
            StorageError: It is another one, or would have fewer trials.
        """
        self._check_alike(known, study)
        if is_fewer(study.planned, known["planned"]):
            raise StorageError(
                f"study {study.name!r} has {trials_words(known['planned'])} planned in the database already, "
                f"but got {study.planned:,}"
            )

    def agree(self, study: Study, seed_is_drawn: bool) -> Study:
        """Make the study in the database where it is missing, and return it as all machines have it.

        Args:
            study: What is asked for.
            seed_is_drawn: Whether nobody asked for its seed, so that the one of the database will do.

        Raises:
            StorageError: Another machine has made another study, or the database can't be reached.
        """
        try:
            turn = self._connection.lock(study_lock_name(study.name), START_SECONDS)
            with turn, self._connection.reaching():
                known = self._known(study.name)
                if known is None:
                    self._create(study)
                    return study
                if seed_is_drawn:
                    study = replace(study, seed=known["seed"])
                self._check_alike(known, study)
                if is_fewer(known["planned"], study.planned):
                    self._write(study)
                    return study
                return replace(study, planned=known["planned"])
        except Unreachable as error:
            raise self._cannot(error) from None

    def study(self, known: Mapping[str, Any], name: str) -> Study:
        """The study that is in the database, as far as it is the same on all machines."""
        return load(Path(name), known)

    def settled(self, study: Study) -> set[str]:
        """The contents of a study's runs that needn't be run again, whichever machine has run them.

        Raises:
            StorageError: The database can't be reached.
        """
        from search.storage.left import is_released
        from search.storage.marks import Mark

        try:
            with self._connection.reaching():
                if self._known(study.name) is None:
                    return set()
                study_id = self._storage.get_study_id_from_name(study.name)
                trials = self._storage.get_all_trials(study_id, deepcopy=False)
        except Unreachable as error:
            raise self._cannot(error) from None
        over = (trial for trial in trials if trial.state.is_finished())
        ended = [Mark.of(trial) for trial in over if not is_released(trial, study.rerun)]
        found = [read_content(mark.key) for mark in ended if mark is not None]
        repeats = range(study.repeats)
        return {content(values, repeat + more) for values, repeat in found for more in repeats}

    @contextmanager
    def turn(self, name: str) -> Iterator[Lock]:
        """Exclude other machines for a moment, as where they share a runs directory.

        Raises:
            StorageError: The database can't be reached.
        """
        try:
            with self._connection.lock(f"gridruns folder {name}", START_SECONDS) as lock:
                yield lock
        except Unreachable as error:
            raise self._cannot(error) from None

    def schedule(
        self, study: Study, sampler: "BaseSampler", past: Past, earlier: "Sequence[FrozenTrial]", folder: Path
    ) -> "Schedule":
        """The schedule that shares the study's points with other machines.

        Raises:
            StorageError: The database can't be reached.
        """
        from search.storage.board import Board
        from search.storage.shared import SharedSchedule

        try:
            board = Board(self._connection, study.name)
            try:
                return SharedSchedule(study, sampler, past, earlier, board, folder)
            except BaseException:
                board.close()
                raise
        except Unreachable as error:
            raise self._cannot(error) from None

    def close(self) -> None:
        """Let go of all connections."""
        self._connection.close()

    def _known(self, name: str) -> dict[str, Any] | None:
        try:
            study_id = self._storage.get_study_id_from_name(name)
        except KeyError:
            return None
        known = self._storage.get_study_system_attrs(study_id).get(MARK)
        if known is None and not self._storage.get_n_trials(study_id):
            return None  # made by a search that was killed before it could say what the study is
        if not isinstance(known, dict):
            raise self._foreign(name)
        return known

    def _check_alike(self, known: Mapping[str, Any], study: Study) -> None:
        try:
            changes = differences(Path(study.name), _as_here(known, study.script), study)
        except StudyError as error:
            raise StorageError(f"study {study.name!r} in the database: {error}") from None
        if changes:
            raise StorageError(
                f"study {study.name!r} in the database isn't what is asked for now: {'; '.join(changes)}. "
                "Other machines rely on it, so nothing but the number of trials may change: "
                "another --study name begins anew"
            )

    def _create(self, study: Study) -> None:
        from optuna.exceptions import DuplicatedStudyError
        from optuna.study import StudyDirection

        directions = [StudyDirection[metric.direction.upper()] for metric in (study.metric, *study.also)]
        try:
            with quiet_optuna():
                study_id = self._storage.create_new_study(directions, study.name)
        except DuplicatedStudyError:  # there is an empty one
            study_id = self._storage.get_study_id_from_name(study.name)
            if self._storage.get_study_directions(study_id) != directions:
                raise self._foreign(study.name) from None
        self._storage.set_study_system_attr(study_id, MADE, uuid4().hex)
        self._write(study)
        # As `optuna.Study.set_metric_names` does it: a dashboard's names of the values.
        names = [metric.name for metric in (study.metric, *study.also)]
        self._storage.set_study_system_attr(study_id, "study:metric_names", names)
        self._storage.set_study_user_attr(study_id, "script", study.script.shown)
        self._storage.set_study_user_attr(study_id, "seed", study.seed)

    def _write(self, study: Study) -> None:
        """Write what the study is: nothing of this machine, no path."""
        content = {name: value for name, value in to_json(study).items() if name not in LOCAL}
        digests = sorted(set(study.script.digests.values()))
        content["script"] |= {
            "path": study.script.shown,
            "modules": {str(place): digest for place, digest in enumerate(digests)},
            "entry": _from_script(study.script),
        }
        study_id = self._storage.get_study_id_from_name(study.name)
        self._storage.set_study_system_attr(study_id, MARK, content)

    @staticmethod
    def _foreign(name: str) -> StorageError:
        return StorageError(
            f"the study {name!r} in the database wasn't made by gridruns; choose another --study name"
        )

    def _cannot(self, error: Unreachable) -> StorageError:
        return StorageError(f"storage: can't use {self.public}: {error}")


def _from_script(script: Script) -> dict[str, Any] | None:
    """What of a file is run, as all machines know it: the file of the data by its place beside the script."""
    if script.entry is None:
        return None
    data_file = os.path.relpath(script.entry.data_file, script.path.parent)
    return {**script.entry.to_json(), "data_file": data_file}


def _as_here(known: Mapping[str, Any], script: Script) -> Mapping[str, Any]:
    """What a study is in the database, where it runs what this machine runs with this machine's paths."""
    if script.entry is None or known["script"]["entry"] != _from_script(script):
        return known
    return {**known, "script": {**known["script"], "entry": script.entry.to_json()}}

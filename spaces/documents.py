"""Reads a YAML file: YAML 1.2, plain values, no duplicate keys; a fault names file, line and column."""

import os
from collections.abc import Mapping

from .errors import DocumentError
from .values import shown


def read_mapping(path: str | os.PathLike[str]) -> dict[str, object]:
    """The mapping at the top of a YAML file, {} of an empty file.

    `no` is a string and 1e-5 a float, as YAML 1.2 has it.

    Args:
        path: the file, in UTF-8.

    Raises:
        DocumentError: the file can't be opened, isn't YAML, or isn't a mapping with strings for keys.
    """
    path = os.fspath(path)
    data = read_document(path)
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise DocumentError(f"{path} must be a mapping, but got {shown(data)}")
    for key in data:
        if not isinstance(key, str):
            raise DocumentError(f"{path}: a key must be a string, but got {shown(key)}")
    return dict(data)


def read_document(path: str | os.PathLike[str]) -> object:
    """What a YAML file holds, whatever that is; None of an empty file.

    Raises:
        DocumentError: the file can't be opened, or isn't YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        with open(path, encoding="utf-8") as file:
            loaded: object = YAML(typ="safe", pure=True).load(file.read())
    except OSError as error:
        raise DocumentError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path} must be UTF-8, but byte {error.start} isn't: {error.reason}") from None
    except MarkedYAMLError as error:
        raise DocumentError(f"{path}{_place(error.problem_mark)}: {_line(error.problem)}") from None
    except YAMLError as error:
        raise DocumentError(f"{path}: {_line(error)}") from None
    except ValueError as error:  # a date or a number that Python refuses
        raise DocumentError(f"{path}: {_line(error)}") from None
    return loaded


def _place(mark: object) -> str:
    line, column = getattr(mark, "line", None), getattr(mark, "column", None)
    if line is None or column is None:
        return ""
    return f", line {line + 1}, column {column + 1}"


def _line(problem: object) -> str:
    return " ".join(str(problem).split())

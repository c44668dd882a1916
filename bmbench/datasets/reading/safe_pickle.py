"""Arrays that NumPy has saved as pickles, read without running what a pickle may say.

``numpy.load(allow_pickle=True)`` runs any program that a file names. Here a pickle may make numbers, texts,
lists, dictionaries and plain arrays, and nothing else: every other name in it is refused.
"""

import io
import pickle
import tokenize
from pathlib import Path
from typing import Any

import numpy as np

from bmbench.core.errors import BadInputError
from bmbench.datasets.reading.limits import read_limited

LIMIT_BYTES = 2 << 30
_MODULES = (
    "numpy",
    "numpy.core.multiarray",
    "numpy._core.multiarray",
    "numpy.core.numeric",
    "numpy._core.numeric",
)
_HEADER_LIMIT = 10_000
_WRONG: tuple[type[Exception], ...] = (
    EOFError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, MemoryError, RuntimeError,
    ImportError, SystemError, OSError,
)  # fmt: skip
"""What a damaged pickle makes Python and NumPy raise."""
_NO_HEADER: tuple[type[Exception], ...] = (*_WRONG, SyntaxError, tokenize.TokenError)


def read_saved(path: Path) -> Any:
    """What ``numpy.save`` has written: an array, or the one object that it holds.

    Raises
    ------
    BadInputError
        If it is no such file, it is damaged, or it names anything else than plain arrays.
    """
    data = io.BytesIO(read_limited(path, LIMIT_BYTES))
    try:
        version = np.lib.format.read_magic(data)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, kind = read_header(data, max_header_size=_HEADER_LIMIT)
    except _NO_HEADER as error:
        raise BadInputError("not a file of NumPy", where=str(path), got=str(error)[:80]) from None
    if not kind.hasobject:
        data.seek(0)
        try:
            return np.lib.format.read_array(data, allow_pickle=False, max_header_size=_HEADER_LIMIT)
        except (ValueError, TypeError, EOFError, MemoryError, OverflowError) as error:
            raise BadInputError("damaged file of NumPy", where=str(path), got=str(error)[:80]) from None
    if int(np.prod(shape, dtype=np.float64)) != 1:
        raise BadInputError("several objects in one file", where=str(path), expected="one")
    return _only_object(data, path)


def _only_object(data: io.BytesIO, path: Path) -> Any:
    try:
        array = _Plain(data).load()
        return array.reshape(-1)[0] if isinstance(array, np.ndarray) and array.size == 1 else None
    except pickle.UnpicklingError as error:
        raise BadInputError("a pickle that is not read", where=str(path), got=str(error)[:120]) from None
    except _WRONG as error:
        raise BadInputError("damaged file of NumPy", where=str(path), got=str(error)[:80]) from None


class _Plain(pickle.Unpickler):
    """Makes numbers, texts, containers and arrays; every other name is an error."""

    def find_class(self, module: str, name: str) -> Any:
        """The few functions that arrays are made with."""
        known = {
            "_reconstruct": _empty_array,
            "_frombuffer": _of_bytes,
            "scalar": _scalar,
            "ndarray": np.ndarray,
            "dtype": _dtype,
        }
        if module in _MODULES and name in known:
            return known[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}; only plain arrays are read")

    def persistent_load(self, pid: Any) -> Any:
        """Nothing outside the file is ever loaded."""
        raise pickle.UnpicklingError(f"it names {str(pid)[:40]} outside the file")


def _empty_array(kind: Any, shape: Any, code: Any) -> Any:
    """The empty array that the state of a pickled one is put into; one of any size would take the memory."""
    if kind is not np.ndarray or shape != (0,) or code not in (b"b", "b"):
        raise pickle.UnpicklingError("an array that NumPy does not write so")
    return np.empty((0,), np.int8)


def _of_bytes(data: Any, kind: Any, shape: Any, order: Any) -> Any:
    """An array of the bytes that stand in the file (the latest protocol)."""
    if not isinstance(kind, np.dtype) or kind.hasobject or not isinstance(data, bytes | bytearray):
        raise pickle.UnpicklingError("an array that is not read")
    return np.frombuffer(bytes(data), kind).reshape(shape, order=order)


def _dtype(*arguments: Any) -> Any:
    if not arguments or not isinstance(arguments[0], str) or len(arguments[0]) > 8:
        raise pickle.UnpicklingError("a kind of array that is not read")
    return np.dtype(arguments[0])


def _scalar(kind: Any, data: Any = None) -> Any:
    if not isinstance(kind, np.dtype) or kind.hasobject or not isinstance(data, bytes):
        raise pickle.UnpicklingError("a number that is not read")
    return np.frombuffer(data, kind, count=1)[0]

"""The trials of a search in a PostgreSQL database, which other machines and Optuna's dashboard can read.

The password is used and kept nowhere: records and messages have the address without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from bmbench.core.errors import BadInputError, MissingExtraError

if TYPE_CHECKING:
    from optuna.storages import RDBStorage

_FORM = "postgresql://USER@HOST/DATABASE"
_PATIENCE_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """Where a search keeps its trials.

    Attributes
    ----------
    url : str
        With the password, if it was given.
    shown : str
        Without.
    study : str
        The search's name there.
    """

    url: str = field(repr=False)
    shown: str
    study: str

    @classmethod
    def parse(cls, text: str, *, study: str = "") -> Database:
        """The database at that address, for a study of a new name if none is given.

        Raises
        ------
        BadInputError
            If it is not the address of a PostgreSQL database.
        MissingExtraError
            If what is needed for one is not installed.
        """
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise MissingExtraError("psycopg, which --store needs,", extra="postgresql") from None
        from sqlalchemy.engine import URL, make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(text)
        except (ArgumentError, ValueError):
            # The text is not repeated: it may hold a password.
            raise BadInputError("--store is no address of a database", expected=_FORM) from None
        if url.drivername != "postgresql" or not url.database:
            raise BadInputError("--store is no PostgreSQL database", expected=_FORM)
        return cls(
            url=url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False),
            shown=URL.create(
                "postgresql", username=url.username, host=url.host, port=url.port, database=url.database
            ).render_as_string(),
            study=study or f"bmbench-{uuid4().hex}",
        )

    def to_json(self) -> dict[str, Any]:
        """What a search's record says about it."""
        return {"database": self.shown, "study": self.study}

    def storage(self) -> RDBStorage:
        """Optuna's storage there.

        Raises
        ------
        BadInputError
            If no such database answers.
        """
        from optuna.storages import RDBStorage
        from sqlalchemy.exc import SQLAlchemyError
        from sqlalchemy.pool import NullPool

        # Hours may pass between two trials: no connection is kept that the other side has long dropped.
        engine = {"poolclass": NullPool, "connect_args": {"connect_timeout": _PATIENCE_S}}
        try:
            return RDBStorage(self.url, engine_kwargs=engine)
        except SQLAlchemyError as error:
            raise BadInputError(
                "the database cannot be used",
                where=self.shown,
                got=self.reason(error),
                remedy="check the address; a password may stand in PGPASSWORD or ~/.pgpass",
            ) from None

    def reason(self, error: Exception) -> str:
        """What the driver says about an error, in one line without the password."""
        from sqlalchemy.engine import make_url

        # Optuna hides the driver's error behind its own.
        inner = error.__cause__ or error
        said = " ".join(str(getattr(inner, "orig", None) or inner).split())
        password = make_url(self.url).password
        return said.replace(password, "***") if password else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a search's record says about its database: the address without a password, and its name there."""

    database: str
    study: str


def recorded(known: Stored | None, given: str | None) -> Database | None:
    """The database of a search that was begun; None if it has its own journal.

    Parameters
    ----------
    known
        What its `tuning.json` says.
    given
        The address that the user gave now, for its password; a moved database may have another one.

    Raises
    ------
    BadInputError
        If an address is given for a search that has no database.
    """
    if known is None:
        if given is not None:
            raise BadInputError(
                "--store: the search keeps its trials in its own folder", remedy="leave --store out"
            )
        return None
    return Database.parse(given or known.database, study=known.study)

"""Which studies are there, found fast, in one table that several servers may share?

The folders are the truth and this is a copy: whatever is wrong with it, it is made anew from them. It lies in
``index.sqlite`` beside them (WAL, so that reading never waits for writing), or where STEERSCOPE_DATABASE says.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    create_engine,
    delete,
    event,
    exists,
    insert,
    or_,
    select,
)
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from steering.errors import StudyError
from steering.studies.study import Study, read_manifest

VERSION = 1
"""Of the tables. An older index is thrown away and made anew from the folders; a newer one is not touched."""
FILE = "index.sqlite"
BUSY_SECONDS = 15
_ATTEMPTS = 5
_WAITS = {
    "sqlite": "timeout",
    "postgresql": "connect_timeout",
    "postgresql+psycopg": "connect_timeout",
    "postgresql+psycopg2": "connect_timeout",
}
"""Drivers that are told to give up after `BUSY_SECONDS`, and how; an address with options of its own is left alone."""

_metadata = MetaData()
_version = Table("steerscope_index", _metadata, Column("version", Integer, primary_key=True))
_studies = Table(
    "steerscope_studies",
    _metadata,
    Column("id", String(16), primary_key=True),
    Column("changed", String(40), nullable=False, index=True),
    Column("stamp", BigInteger, nullable=False),
    Column("words", Text, nullable=False),
    Column("manifest", Text, nullable=False),
)
_features = Table(
    "steerscope_features",
    _metadata,
    Column("study_id", String(16), ForeignKey(_studies.c.id, ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("feature_id", BigInteger, nullable=False, index=True),
)

T = TypeVar("T")


class StudyIndexError(StudyError):
    """The database cannot be used just now: no room, no right, no server. The studies themselves are unharmed."""


class Index:
    """The table of studies.

    Args:
        root: the folder of the studies.
        url: a database's address as SQLAlchemy has it; None keeps a SQLite file in ``root``.

    Raises:
        StudyError: the address cannot be used.
    """

    def __init__(self, root: Path, url: str | None = None) -> None:
        self._file = root / FILE if url is None else None
        self.shared = url is not None
        try:
            address = make_url(url or f"sqlite:///{self._file}")
            waits = _WAITS.get(address.drivername) if url is None or not address.query else None
            self._engine = create_engine(
                address, connect_args={} if waits is None else {waits: BUSY_SECONDS}, pool_pre_ping=url is not None
            )
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise StudyError(
                f"STEERSCOPE_DATABASE cannot be used ({_reason(error)}); write it like "
                "postgresql+psycopg://user@host/name, and install that database's driver."
            ) from error
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _set_pragmas)
        self._ready = False

    def stamps(self) -> dict[str, int]:
        """Id → stamp of the manifest that the row was made from, for every row."""
        rows = self._reading(lambda db: db.execute(select(_studies.c.id, _studies.c.stamp)).all())
        return {row.id: row.stamp for row in rows}

    def put(self, study: Study, stamp: int) -> None:
        """Add a study, or renew its row."""
        words = _words(study)

        def write(db: Connection) -> None:
            db.execute(delete(_features).where(_features.c.study_id == study.id))
            db.execute(delete(_studies).where(_studies.c.id == study.id))
            db.execute(
                insert(_studies).values(
                    id=study.id,
                    changed=study.changed,
                    stamp=stamp,
                    words=words,
                    manifest=study.manifest().decode(),
                )
            )
            rows = [
                {"study_id": study.id, "place": place, "feature_id": feature}
                for place, feature in enumerate(study.about.features)
            ]
            if rows:
                db.execute(insert(_features), rows)

        try:
            self._writing(write)
        except IntegrityError:  # another process has just written the same row
            return

    def drop(self, ids: Iterable[str]) -> None:
        """Forget studies; those that are not there are no matter."""
        gone = list(ids)
        if gone:
            self._writing(lambda db: db.execute(delete(_studies).where(_studies.c.id.in_(gone))))

    def find(self, query: str = "") -> list[Study]:
        """The studies that hold every word of ``query``, the last changed first.

        A word is looked for in title, note, model, SAE and concept, whatever its case; a number also among the
        features, as a whole.
        """
        wanted = []
        for word, feature in _looked_for(query):
            text = _studies.c.words.contains(word, autoescape=True)
            if feature is not None:
                has = exists().where(and_(_features.c.study_id == _studies.c.id, _features.c.feature_id == feature))
                wanted.append(or_(text, has))
            else:
                wanted.append(text)
        ordered = select(_studies.c.manifest).where(*wanted).order_by(_studies.c.changed.desc(), _studies.c.id)
        rows = self._reading(lambda db: db.execute(ordered).scalars().all())
        return [study for study in map(_study, rows) if study is not None]

    def clear(self) -> None:
        """Throw all rows away; whoever calls fills it again."""
        if self._file is not None:
            self._set_aside()
        else:
            self._writing(lambda db: db.execute(delete(_studies)))

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _reading(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        return self._mended(run)

    def _writing(self, work: Callable[[Connection], object]) -> None:
        def run() -> None:
            with self._engine.begin() as connection:
                work(connection)

        self._mended(run)

    def _mended(self, run: Callable[[], T]) -> T:
        """Run, with the tables there; a broken SQLite file is set aside and begun anew, once.

        Raises:
            StudyIndexError: the database cannot be used.
            StudyError: the index is of a later version.
        """
        try:
            return self._tried(run)
        except StudyIndexError as fault:
            if self._file is None or not _is_broken(fault.__cause__):
                raise
        self._set_aside()
        return self._tried(run)

    def _tried(self, run: Callable[[], T]) -> T:
        try:
            self._prepare()
            return run()
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise _unusable(error) from error

    def _prepare(self) -> None:
        if self._ready and (self._file is None or self._file.exists()):
            return
        if self._file is not None:
            self._engine.dispose()  # a file that was taken away lives on in open connections
        for attempt in range(_ATTEMPTS):
            try:
                self._make_tables(self._engine)
                break
            except SQLAlchemyError as error:
                # Two processes that begin at once: both make the tables, one fails and finds them there.
                if _is_broken(error) or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.05 * 2**attempt)
        self._ready = True

    @staticmethod
    def _make_tables(engine: Engine) -> None:
        with engine.begin() as connection:
            _version.create(connection, checkfirst=True)
            found = connection.execute(select(_version.c.version)).scalars().all()
            if found and max(found) > VERSION:
                raise StudyError(
                    f"The index of the studies has version {max(found)}, this one knows {VERSION}; update it, or "
                    "name another database with STEERSCOPE_DATABASE."
                )
            if found and max(found) < VERSION:
                _features.drop(connection, checkfirst=True)
                _studies.drop(connection, checkfirst=True)
                connection.execute(delete(_version))
            _metadata.create_all(connection)
            if found != [VERSION]:
                connection.execute(insert(_version).values(version=VERSION))

    def _set_aside(self) -> None:
        """Take the SQLite file out of the way; what it says is in the folders.

        Raises:
            StudyIndexError: it cannot be taken away.
        """
        assert self._file is not None
        self._engine.dispose()
        self._ready = False
        try:
            for ending in ("", "-wal", "-shm"):
                self._file.with_name(FILE + ending).unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(error) from error


def found_by_hand(studies: Iterable[Study], query: str) -> list[Study]:
    """What :meth:`Index.find` gives, without any index: of these studies."""
    looked_for = _looked_for(query)
    fitting = [
        study
        for study in studies
        if all(word in _words(study) or feature in study.about.features for word, feature in looked_for)
    ]
    return sorted(sorted(fitting, key=lambda one: one.id), key=lambda one: one.changed, reverse=True)


def _words(study: Study) -> str:
    """The text that is searched."""
    about = study.about
    return "\n".join((about.title, about.note, about.model, about.sae, about.label)).casefold()


def _looked_for(query: str) -> list[tuple[str, int | None]]:
    """The words of a query, each with the feature that it may stand for."""
    found: list[tuple[str, int | None]] = []
    for word in query.casefold().split():
        number = word.lstrip("#")
        is_feature = number.isascii() and number.isdigit() and len(number) < 18
        found.append((word, int(number) if is_feature else None))
    return found


def _study(manifest: str) -> Study | None:
    """The study of a row; None where it is of another version's making, and `Library.broken` tells of its folder."""
    try:
        return read_manifest(manifest.encode())
    except StudyError:
        return None


def _set_pragmas(connection, _record) -> None:  # type: ignore[no-untyped-def]  # a DB-API connection has no type
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _is_broken(error: BaseException | None) -> bool:
    """Whether a SQLite file is no database (any more); a disk that is full or a lock is another matter.

    Only what SQLite said counts: the whole message also tells the values, which are titles and words looked for.
    """
    return isinstance(error, DatabaseError) and any(
        sign in str(error.orig) for sign in ("malformed", "not a database", "no such table", "no such column")
    )


def _unusable(error: Exception) -> StudyIndexError:
    return StudyIndexError(
        f"The index of the studies cannot be used ({_reason(error)}); see that the database is there. The studies "
        "themselves lie in their folder, unharmed."
    )


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())[:200]

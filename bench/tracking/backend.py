"""Which MLflow backend is in use, and how it is opened: quietly, quick to fail, by one process at a time."""

import logging
import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from datasets.errors import BenchError, first_line
from datasets.names import at_home

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

# What tells MLflow's page to show an experiment as trainings of models, and its value for that.
KIND, TRAINING = "mlflow.experimentKind", "custom_model_development"
# What sqlite says of a file that was torn or overwritten.
DAMAGED = ("malformed", "file is not a database")
# Set before mlflow is imported, and only where the user has not decided otherwise. A server that is down must
# cost seconds: mlflow's own defaults retry for minutes.
ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
LOCK_TIMEOUT_S = 120.0
# Folder of artifacts beside a database.
ARTIFACTS = "mlartifacts"
# Packages whose errors are the backend's, whatever their type.
LAYERS = frozenset({"mlflow", "sqlalchemy", "alembic", "sqlite3", "requests", "urllib3"})


class TrackingError(BenchError):
    """MLflow could not be reached or written; every result is still in the store."""


@dataclass(frozen=True)
class Backend:
    """One MLflow backend.

    Attributes
    ----------
    uri: tracking URI.
    artifacts: folder for the artifacts of new experiments, or None where the server decides.
    database: the sqlite file, or None.
    own: whether that is the store's own, which nothing but the mirror writes to.
    lock: file whose lock is held while writing, since several processes that open a fresh sqlite store crash,
        and two mirrors of one store would both find a run missing and both create it.
    """

    uri: str
    artifacts: Path | None
    database: Path | None
    lock: Path
    own: bool = False

    @property
    def shown(self) -> str:
        """The URI without a password."""
        return re.sub(r"//[^/@]*@", "//", self.uri)


def locate(store_root: Path, uri: str | None = None) -> Backend:
    """The backend named by `uri`, else by $MLFLOW_TRACKING_URI, else an sqlite file in the store.

    With sqlite, artifacts lie in `mlartifacts/` beside the database.
    """
    store = store_root.resolve()
    locks = store / "locks" / "mlflow.lock"
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI")
    if not uri:
        database = store / "mlflow.db"
        return Backend(_sqlite_uri(database), store / ARTIFACTS, database, locks, own=True)
    if uri.startswith("sqlite:///") and (name := _database_of(uri)):
        given = at_home(Path(name))
        database = given.resolve()
        uri = uri if given == Path(name) else _sqlite_uri(database)
        return Backend(uri, database.parent / ARTIFACTS, database, database.with_name(f"{database.name}.lock"))
    return Backend(uri, None, None, locks)


def _sqlite_uri(database: Path) -> str:
    """The address of a database, whatever signs its folder's name has: `?`, `#` and `%` mean something in addresses."""
    from sqlalchemy import URL

    try:
        return URL.create("sqlite", database=database.as_posix()).render_as_string()
    except UnicodeEncodeError as error:
        raise TrackingError(
            f"MLflow cannot keep its database in {database.parent}, whose name is not in UTF-8: rename it, or set "
            "MLFLOW_TRACKING_URI to sqlite:///FILE elsewhere"
        ) from error


def _database_of(uri: str) -> str | None:
    """The file that a sqlite address names; a wrong address is one `TrackingError`."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(uri).database
    except ArgumentError as error:
        raise TrackingError(f"MLFLOW_TRACKING_URI {uri!r} is no address: expected sqlite:///FILE") from error


@contextmanager
def opened(backend: Backend) -> Iterator["MlflowClient"]:
    """A client that is the only one to write; whatever goes wrong with the backend is one `TrackingError`."""
    with _reported(backend):
        backend.lock.parent.mkdir(parents=True, exist_ok=True)
        if urlsplit(backend.uri).scheme in ("", "file"):
            raise TrackingError(
                f"MLflow no longer writes to folders ({backend.shown}): set MLFLOW_TRACKING_URI to a server "
                "or sqlite:///FILE, or unset it"
            )
        with FileLock(backend.lock, timeout=LOCK_TIMEOUT_S):
            yield _client(backend)


def experiment(client: "MlflowClient", backend: Backend, name: str) -> str:
    """The id of the experiment called `name`, created where there is none."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        location = backend.artifacts.as_uri() if backend.artifacts else None
        try:
            return str(client.create_experiment(name, artifact_location=location, tags={KIND: TRAINING}))
        except MlflowException:  # another machine may have created it in between
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        raise TrackingError(
            f"experiment {name!r} was deleted in {backend.shown}: restore it there "
            f"(mlflow experiments restore -x {found.experiment_id}) or run with another --suite"
        )
    _check_place(backend, found)
    if backend.own and KIND not in found.tags:  # of a version that did not set it; elsewhere it is the user's to say
        client.set_experiment_tag(found.experiment_id, KIND, TRAINING)
    return str(found.experiment_id)


def check_places(store_root: Path) -> None:
    """Raises TrackingError where a store with a mirror of its own was moved, so that no artifact would be found."""
    backend = locate(store_root)
    if backend.own:
        with opened(backend) as client:
            for found in client.search_experiments():
                if found.artifact_location.rstrip("/").endswith(ARTIFACTS):
                    _check_place(backend, found)


def _check_place(backend: Backend, found: "Experiment") -> None:
    """Elsewhere an experiment of that name may be a lab's own: its artifacts lie where it was made."""
    if backend.own and backend.artifacts and found.artifact_location.rstrip("/") != backend.artifacts.as_uri():
        raise TrackingError(
            f"the store was moved: its mirror {backend.database} files artifacts under {found.artifact_location}; "
            "delete that mlflow.db, which holds nothing but the mirror, and make it anew with `bench mlflow sync`"
        )


def prepare_environment() -> dict[str, str]:
    """Set the defaults of `ENVIRONMENT` for this process and return the environment for a child process."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    return dict(os.environ)


def _client(backend: Backend) -> "MlflowClient":
    """Import mlflow and connect; a fresh sqlite database is created here."""
    prepare_environment()
    if backend.database is not None:
        backend.database.parent.mkdir(parents=True, exist_ok=True)
        backend.database.touch()  # with the permissions that the user's other files have, which sqlite does not give
        if not os.access(backend.database, os.W_OK):
            raise TrackingError(f"{backend.database} belongs to another user and cannot be written")
    try:
        from mlflow import MlflowClient
    except Exception as error:  # whatever its many dependencies do where there is no home folder or no account
        raise TrackingError(f"MLflow cannot be loaded ({type(error).__name__}: {_reason(error)})") from error

    for name in ("mlflow", "alembic", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=backend.uri)


@contextmanager
def _reported(backend: Backend) -> Iterator[None]:
    """Turn what mlflow and the layers below it raise into one line."""
    try:
        yield
    except BenchError:
        raise
    except PermissionError as error:
        raise TrackingError(f"{error.filename} cannot be written: permission denied") from error
    except Timeout as error:
        raise TrackingError(
            f"another run has been writing to MLflow at {backend.shown} for {LOCK_TIMEOUT_S:.0f} s; "
            "no result is lost: repeat with `bench mlflow sync`"
        ) from error
    except Exception as error:
        if not _is_backend_error(error):
            raise
        if backend.own and any(words in str(error) for words in DAMAGED):
            raise TrackingError(
                f"{backend.database} is damaged; no result is lost: delete that file, which holds nothing but the "
                "mirror, and make it anew with `bench mlflow sync`"
            ) from error
        raise TrackingError(
            f"MLflow at {backend.shown} failed ({_reason(error)}); no result is lost: repeat with `bench mlflow sync`"
        ) from error


def _is_backend_error(error: Exception) -> bool:
    """Whether an exception speaks of the backend: of network, disk or a missing driver, or anything that mlflow or a
    layer below it raised (where there is no account, say, of a user without a name)."""
    return isinstance(error, OSError | ImportError) or any(
        str(frame.f_globals.get("__name__")).partition(".")[0] in LAYERS
        for frame, _ in traceback.walk_tb(error.__traceback__)
    )


def _reason(error: Exception) -> str:
    """The first line of an error's text, or its type where it has none."""
    return first_line(error, 200) or type(error).__name__

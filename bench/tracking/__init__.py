"""The MLflow mirror: runs made from invocations and records, which stay the only truth.

Nothing here is needed to get a result. A tracking server that is down costs one warning line, and
`bench mlflow sync` adds later whatever is missing. Importing this package does not import mlflow.
"""

from bench.tracking.backend import TrackingError
from bench.tracking.mirror import SyncSummary, sync, sync_all
from bench.tracking.server import ui

__all__ = ["SyncSummary", "TrackingError", "sync", "sync_all", "ui"]

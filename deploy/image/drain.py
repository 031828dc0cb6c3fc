"""`python -m deploy.image.drain`: lets the ingress finish before it is told to end.

Kubernetes runs it as the pod's preStop hook. New connections go elsewhere once all of the cluster
knows that the pod is going, which takes some seconds. A phone that has one already keeps it idle
for up to five minutes, and would lose the event that it sends at the moment of the end: so the
ingress is told that it leaves, and each answer ends its connection. Uploads that are under way get
the time they need, and so does the spool, whose records would wait on the volume for the pod to
come back.

What it is at, it tells at `CALLAGENT_INGEST_METRICS_PORT`, where our asking is no connection of it.
"""

import argparse
import http.client
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress

from deploy.image import pages
from schemas.settings import load

BUSY = ("callagent_uploads_open", "callagent_spool_records", "callagent_connections")
PAUSE_SECONDS = 1.0
INGRESS = 1
"""It is its container's first process."""


def busy(metrics: str) -> bool:
    """Whether these metrics tell of work that should be finished first."""
    values = re.findall(rf"^(?:{'|'.join(BUSY)}) (\S+)$", metrics, re.MULTILINE)
    return any(float(value) > 0 for value in values)


def drain(
    read: Callable[[], str],
    least_seconds: float,
    most_seconds: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when nothing is under way, after the least time and before the most."""
    began = clock()
    sleep(least_seconds)
    while clock() - began < most_seconds:
        try:
            if not busy(read()):
                return
        except (OSError, http.client.HTTPException):
            return
        sleep(PAUSE_SECONDS)


def main() -> int:
    """Drain the ingress of this container."""
    parser = argparse.ArgumentParser(prog="python -m deploy.image.drain", description=__doc__)
    parser.add_argument("--least", type=float, default=15, help="seconds to wait anyway (15)")
    parser.add_argument("--most", type=float, default=600, help="seconds to wait at most (600)")
    options = parser.parse_args()
    settings = load()
    with suppress(OSError):
        os.kill(INGRESS, signal.SIGUSR1)
    drain(
        lambda: pages.get(settings, settings.ingest_metrics_port, "/metrics")[1],
        options.least,
        options.most,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The row that says that something was erased."""

import getpass
import os
from collections.abc import Mapping

from deploy.erase import statements
from deploy.erase.scope import Scope
from processors import clickhouse
from schemas.erasures import Secret
from schemas.settings import Settings

COLUMNS = (
    *("id", "erased_at", "who", "kind", "scope_hash", "received_until", "for_ever", "why"),
    *(*statements.VIEWS.values(), "objects", "outcome"),
)


def write(
    settings: Settings,
    scope: Scope,
    secret: Secret,
    texts: Mapping[str, str],
    counts: Mapping[str, int],
) -> None:
    """Write the row; `texts` are id, why and outcome, `counts` by view and `objects`."""
    row = {
        **texts,
        **{name: counts.get(name, 0) for name in (*statements.VIEWS.values(), "objects")},
        "erased_at": scope.until,
        "who": _who(),
        "kind": scope.kind,
        "scope_hash": ",".join(secret.hash(scope.kind, *n).hex() for n in scope.names(settings)),
        "received_until": scope.until,
        "for_ever": scope.for_ever,
    }
    client = clickhouse.connect(settings)
    client.insert("erasures", [[row[name] for name in COLUMNS]], column_names=COLUMNS)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"

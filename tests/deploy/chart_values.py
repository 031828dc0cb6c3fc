"""The values of the chart, flat: as its README's table names them."""

import json
from collections.abc import Iterator
from typing import Any

WHOLE = ("resources", "controllerResources")


def flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each value that can be set, as (name, default)."""
    for key, value in values.items():
        name = prefix + key
        if isinstance(value, dict) and value and key not in WHOLE:
            yield from flat(value, name + ".")
        else:
            yield name, value if isinstance(value, str) else json.dumps(value)

"""The files of Compose as it reads them, and so the one place where the images are pinned."""

import re
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"


class Loader(yaml.SafeLoader):
    """Reads Compose's own tag for a list that replaces another, too."""


def _override(loader: Loader, node: yaml.SequenceNode) -> list[Any]:
    return list(loader.construct_sequence(node))


Loader.add_constructor("!override", _override)


def read(name: str) -> dict[str, Any]:
    """A file as Compose reads it where no variable is set."""
    filled: dict[str, Any] = fill(yaml.load(read_text(name), Loader))
    return filled


def fill(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: fill(item) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item) for item in value]
    if isinstance(value, str):
        return re.sub(r"\$\{\w+(?::-([^}]*))?\}", lambda match: match[1] or "", value)
    return value


def read_text(name: str) -> str:
    return (DEPLOY / name).read_text()


def service(name: str) -> dict[str, Any]:
    """A service of `compose.yaml`."""
    found: dict[str, Any] = read("compose.yaml")["services"][name]
    return found

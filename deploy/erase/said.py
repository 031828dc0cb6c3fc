"""What bytes that could not be read as a message still say of whose they are."""

import json
import re

_FIELD = re.compile(r'"(accountId|mobile)"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([+\d]+))')


def said(text: str) -> dict[str, str]:
    """The account and the mobile that stand in a text in the form of JSON's fields, if any do.

    Of several the first counts.
    """
    found: dict[str, str] = {}
    for field in _FIELD.finditer(text):
        name, quoted, plain = field.groups()
        found.setdefault(name, plain or _unescaped(quoted or ""))
    return found


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text

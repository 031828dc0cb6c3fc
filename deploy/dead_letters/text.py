"""Dead letters as text for a terminal, which nothing in them can take over."""

from collections.abc import Mapping, Sequence

from deploy.dead_letters.letters import Letter
from schemas.errors import REASONS

MAX_CELL_CHARACTERS = 60
HEAD = ("received_at", "id", "reason", "kind", "account", "size", "detail")


def table(letters: Sequence[Letter], with_state: bool) -> list[str]:
    """The lines of a table: whose each letter is and why, without phone numbers."""
    head = (*HEAD, "replayed_at") if with_state else HEAD
    rows = [head, *(_cells(letter)[: len(head)] for letter in letters)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def summary(counts: Mapping[str, int]) -> list[str]:
    """The lines of counts by reason, each with what the reason means."""
    return [
        f"{count:>8}  {escaped(reason)}  ({REASONS.get(reason, 'a reason of another version')})"
        for reason, count in counts.items()
    ]


def details(letter: Letter) -> list[str]:
    """The lines of all that is known of a letter, its bytes as text at the end."""
    values = {name: getattr(letter, name) for name in Letter._fields if name != "body"}
    lines = [f"{name + ':':<13}{escaped(str(value))}" for name, value in values.items()]
    if not letter.body_kept:
        return [*lines, f"body:        not kept ({letter.size} bytes)"]
    text = letter.body.decode(errors="backslashreplace")
    return [*lines, "body:", *(escaped(line) for line in text.split("\n"))]


def escaped(text: str) -> str:
    """Text with everything that does not print, such as control characters, as escapes."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _cells(letter: Letter) -> tuple[str, ...]:
    values = (
        *(f"{letter.received_at:%Y-%m-%d %H:%M:%S}", letter.id, letter.reason, letter.kind),
        *(letter.account_id, letter.size, letter.detail),
        f"{letter.replayed_at:%Y-%m-%d %H:%M:%S}" if letter.replayed_at else "",
    )
    return tuple(_short(escaped(str(value))) for value in values)


def _short(cell: str) -> str:
    return cell if len(cell) <= MAX_CELL_CHARACTERS else cell[: MAX_CELL_CHARACTERS - 1] + "…"

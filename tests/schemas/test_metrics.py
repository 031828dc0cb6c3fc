"""The metrics: that each is in the table once, and that the docs have the table."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from schemas import metrics
from schemas.errors import REASONS

PAGE = Path(__file__).parents[2] / "deploy" / "metrics.md"
HEAD = """# Metrics

What the processes tell at `/metrics`; the table is made from `schemas/metrics.py`. No label has a
number, an account or a token in it. A counter's name ends in `_total` when it is asked for; of a
histogram there are `_bucket`, `_sum` and `_count`. The [alerts](chart/files/alerts.yaml) and the
[dashboards](chart/files/dashboards) are made of these.

"""


def rows() -> Iterator[str]:
    """The table as the page has it."""
    yield "| metric | kind | labels | what it tells | told by |"
    yield "|---|---|---|---|---|"
    for process, found in metrics.TABLE.items():
        for metric in found:
            name, help_, labels = described(metric)
            shown = ", ".join(f"`{label}`" for label in labels)
            yield f"| `{name}` | {metric._type} | {shown} | {help_} | {process} |"


def described(metric: Any) -> tuple[str, str, tuple[str, ...]]:
    """A metric's name as it is asked for (a histogram's without its endings), its help, labels."""
    (family,) = metric.describe()
    ending = "_total" if isinstance(metric, Counter) else ""
    return family.name + ending, family.documentation, metric._labelnames


def page() -> str:
    """The page as it is to be."""
    return HEAD + "\n".join(rows()) + "\n"


def test_each_metric_is_in_the_table_once() -> None:
    there = [it for it in vars(metrics).values() if isinstance(it, Counter | Gauge | Histogram)]
    listed = [metric for found in metrics.TABLE.values() for metric in found]
    assert sorted(map(id, there)) == sorted(map(id, listed))


def test_the_page_has_the_table() -> None:
    assert PAGE.read_text() == page(), "python -m tests.schemas.test_metrics writes it anew"


def test_every_reason_of_a_dead_letter_is_told_from_the_start() -> None:
    (family,) = metrics.DEAD_LETTERS.collect()
    assert {sample.labels["reason"] for sample in family.samples} == REASONS.keys()


TELL_AS = """
import sys
from prometheus_client import generate_latest
from schemas import metrics

metrics.tell_as(sys.argv[1])
print(generate_latest().decode())
"""


def told_by(process: str) -> set[str]:
    """The metrics of ours at a process's /metrics."""
    done = subprocess.run(
        [sys.executable, "-c", TELL_AS, process], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"^# TYPE (callagent_\w+)", done.stdout, re.MULTILINE))


def test_each_process_tells_what_the_table_says_it_does_and_nothing_else() -> None:
    told = {process: told_by(process) for process in metrics.TELLERS}
    for row, found in metrics.TABLE.items():
        tellers = {process for process, has in metrics.TELLERS.items() if row in has}
        for name, _, _ in map(described, found):
            assert {process for process, has in told.items() if name in has} == tellers


if __name__ == "__main__":
    PAGE.write_text(page())

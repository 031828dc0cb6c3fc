"""`python -m deploy.sizing --calls N`: what the pipeline needs for so many calls a day."""

import argparse
import math
import sys
from collections.abc import Sequence

from deploy.arguments import positive
from deploy.command import readers_may_leave
from deploy.sizing import need
from deploy.sizing.measured import INGRESS, POSTS_A_CALL, SERVERS, WORKERS, Process
from deploy.sizing.need import Load

GB = 1_000_000_000


def main(argv: Sequence[str] | None = None) -> int:
    """Print what it needs."""
    with readers_may_leave():
        print(report(Load(**vars(arguments(argv)))))
    return 0


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.sizing", description=__doc__)
    add = parser.add_argument
    add("--calls", type=positive, required=True, help="calls a day")
    add("--phones", type=positive, default=50, help="phones (50)")
    add("--minutes", type=_number, default=1.5, help="recorded, of an average call (1.5)")
    add("--kbit", type=_number, default=32.0, help="kbit/s of a recording (32)")
    add("--busiest", type=_share, default=0.15, help="share of a day's calls in an hour (0.15)")
    add("--days", type=positive, default=365, help="how long rows and objects are kept (365)")
    add("--replicas", type=positive, default=3, help="CALLAGENT_KAFKA_REPLICAS (3)")
    return parser.parse_args(argv)


def report(load: Load) -> str:
    """The answer, as lines for a person."""
    posts = load.calls_a_second * POSTS_A_CALL
    return "\n".join(
        [
            f"busiest hour: {load.calls_a_second:.1f} calls/s, {posts:.1f} posts/s,"
            f" {load.uploaded_mb_a_second * 8:.1f} Mbit/s from phones",
            f"a recording: {load.recording_mb:.2f} MB for each call on average",
            "",
            f"{'':16} {'number':>10} {'cores, all':>12}",
            *(_row(process, load, str(need.workers(process, load))) for process in OURS),
            *(_row(process, load, "") for process in SERVERS),
            "",
            f"{'partitions':16} {need.partitions(load):>10}     CALLAGENT_KAFKA_PARTITIONS",
            f"{'Kafka':16} {_gb(need.kafka_bytes(load))}  all brokers together",
            f"{'ClickHouse':16} {_gb(need.clickhouse_bytes(load))}  each replica",
            f"{'S3':16} {_gb(need.object_bytes(load))}  before its own copies",
            f"{'correlator':16} {_gb(need.state_bytes(load))}  all together",
            f"{'spool':16} {_gb(need.spool_bytes(load))}  all ingresses, a day without Kafka",
        ]
    )


OURS = (INGRESS, *WORKERS)


def _row(process: Process, load: Load, number: str) -> str:
    return f"{process.name:16} {number:>10} {need.cores(process, load):>12.2f}"


def _gb(number: float) -> str:
    return f"{number / GB:>10,.1f} GB"


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def _share(text: str) -> float:
    number = _number(text)
    if number > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is more than all calls of a day")
    return number


if __name__ == "__main__":
    sys.exit(main())

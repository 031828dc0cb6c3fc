"""`python -m tests.chaos`: kill everything under load, then show that nothing was lost."""

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.plan import plan
from tests.chaos.run import run
from tests.conftest import local_settings


def main(arguments: list[str]) -> int:
    """Run once and print the report; 1 if something was lost, duplicated or wrong."""
    parser = argparse.ArgumentParser("python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, help="of blows and load; none: any")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long blows are dealt")
    parser.add_argument("--phones", type=int, default=10, help="how many phones call at once")
    parser.add_argument("--workers", type=int, default=1, help="how many of each processor")
    options = parser.parse_args(arguments)
    seed = random.randrange(2**32) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="callagent-chaos-"))
    settings = local_settings(folder, region="RU")
    blows = plan(seed, options.seconds, options.workers)
    report = run(
        *(settings, blows, seed, options.seconds, options.phones),
        say=_say,
        workers=options.workers,
    )
    print(f"\n{report}")
    if report.good:
        shutil.rmtree(folder)
        return 0
    print(f"data and logs are kept in {folder}; the same blows again: --seed {seed}")
    return 1


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

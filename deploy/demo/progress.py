"""The fleet's progress in words."""

from deploy.demo.fleet import Tally


def fleet_line(tally: Tally, calls: int) -> str:
    """The fleet's counts as one line."""
    refused = tally.posts - tally.accepted
    return (
        f"calls {tally.calls}/{calls}   posts {tally.posts}, accepted {tally.accepted}"
        f"   recordings {tally.recordings}   retries {tally.retries}"
        + (f"   not accepted {refused}" if refused and tally.calls == calls else "")
    )

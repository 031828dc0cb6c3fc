"""The command `python -m deploy.demo`: phones make an hour of calls, then the report."""

import argparse
import asyncio
import contextlib
import signal
import ssl
import sys
from datetime import UTC, datetime
from urllib.parse import urlsplit
from uuid import uuid4

from deploy.arguments import positive
from deploy.demo import check, report
from deploy.demo.fleet import Fleet, Tally, UnreachableError
from deploy.demo.people import employees
from deploy.demo.permission import NotAllowedError, ask
from deploy.demo.pipeline import PipelineError, running
from deploy.demo.plan import plan
from deploy.demo.progress import fleet_line
from deploy.demo.store import LINK_MINUTES, Calls, Recordings, StoreError
from deploy.progress import Progress
from schemas.security import probe_context
from schemas.settings import SettingError, Settings, load

HERE = "127.0.0.1"


class DemoError(Exception):
    """The demo has failed; the text is one line that says why."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--calls", type=positive, default=200, help="calls to make (200)")
    parser.add_argument("--phones", type=positive, default=20, help="phones (20)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another hour (1)")
    parser.add_argument(
        "--base", type=_address, help="base address to post to, with its token if it needs one"
    )
    return parser.parse_args(argv)


def _address(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError("it is no address such as https://host/k/TOKEN")
    return text.strip()


async def demo(settings: Settings, args: argparse.Namespace) -> None:
    """Run the fleet against the pipeline, wait for its rows and print the report.

    Raises:
        NotAllowedError: the address has no token that allows the demo's accounts.
        DemoError: posts were refused, the ingress was lost, or the check is not good.
        PipelineError: there is no pipeline.
        StoreError: ClickHouse or S3 cannot be read.
    """
    async with running(settings.ingest_port, probe_context(settings)):
        since = datetime.now(UTC)
        fleet = await _made_calls(settings, args, since)
        good = await _report(settings, fleet, since)
    if not good:
        raise DemoError("not everything that the phones sent is there: see the check above")


async def _made_calls(settings: Settings, args: argparse.Namespace, until: datetime) -> Fleet:
    staff = employees(args.phones, lambda account_id: settings.account(account_id).zone)
    planned = plan(staff, args.calls, until, args.seed, uuid4().hex)
    scheme = "https" if settings.tls_cert_file else "http"
    base_url = args.base or f"{scheme}://{HERE}:{settings.ingest_port}"
    trust = _trust(settings, base_url)
    await ask(base_url, trust)
    fleet = Fleet(base_url, planned, trust=trust)
    print(f"{args.phones} phones make {len(planned)} calls", flush=True)
    progress = Progress()
    showing = asyncio.create_task(_show(progress, fleet))
    try:
        await fleet.run()
    except UnreachableError as error:
        raise DemoError(f"the ingress cannot be reached: {error}") from error
    finally:
        showing.cancel()
        progress.show(fleet_line(fleet.tally, len(planned)))
        progress.done()
    _refuse(fleet.tally)
    return fleet


def _trust(settings: Settings, base_url: str) -> ssl.SSLContext | None:
    """On this computer as a probe does: the certificate names the address that phones use."""
    return probe_context(settings) if urlsplit(base_url).hostname == HERE else None


async def _show(progress: Progress, fleet: Fleet) -> None:
    while True:
        progress.show(fleet_line(fleet.tally, len(fleet.planned)))
        await asyncio.sleep(0.1)


def _refuse(tally: Tally) -> None:
    if tally.refused:
        refused = ", ".join(f"{count} x {status}" for status, count in tally.refused.items())
        answers = ", ".join(f"{count} x {status}" for status, count in tally.statuses.items())
        raise DemoError(f"the ingress refused posts: {refused} (all answers: {answers})")


async def _report(settings: Settings, fleet: Fleet, since: datetime) -> bool:
    calls = await asyncio.to_thread(Calls, settings, since)
    recordings = Recordings(settings)
    progress = Progress()
    wanted = f"of {len(fleet.known)}, recordings {{}} of {check.sent_recordings(fleet.known)}"
    try:
        rows = await check.arrived(
            calls,
            fleet.known,
            lambda right, listed: progress.show(f"rows {right} {wanted.format(listed)}"),
        )
        progress.done()
        counts = await check.counted(calls, fleet.tally.accepted)
    finally:
        calls.close()
    print(f"\nCalls (some of {len(rows)})\n\n{report.calls_table(rows)}")
    print(f"\nEmployees\n\n{report.employees_table(rows)}\n")
    print(report.counts_lines(counts, fleet.tally.accepted, fleet.tally.unreadable))
    verdict = await asyncio.to_thread(check.verdict, fleet.known, rows, recordings)
    keys = [row.recording for row in rows if row.recording]
    print(f"recordings are in the bucket {recordings.bucket} of {settings.s3}")
    if keys:
        print(f"  such as {keys[0]}")
        print(f"  which this link plays for {LINK_MINUTES} minutes: {recordings.link(keys[0])}")
    print(f"\n{report.check_lines(verdict)}", flush=True)
    return verdict.good


async def _until_stopped(settings: Settings, args: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await demo(settings, args)


def main() -> int:
    """Run the demo; the exit status is 0 only if all that the phones sent is there."""
    args = arguments()
    try:
        settings = load()
        asyncio.run(_until_stopped(settings, args))
    except (DemoError, NotAllowedError, PipelineError, SettingError, StoreError) as error:
        print(f"demo failed: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        with contextlib.suppress(OSError):
            print("\ndemo stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

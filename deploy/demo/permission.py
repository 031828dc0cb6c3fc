"""Whether the demo may send for its accounts, asked before it makes calls."""

import ssl
from uuid import uuid4

from deploy.demo.origin import NoAnswerError
from deploy.demo.people import ACCOUNTS
from deploy.demo.phone import Phone

REFUSING = (401, 403)
MOBILE = "89005550000"


class NotAllowedError(Exception):
    """The ingress would refuse the demo; the text is one line with the remedy."""


async def ask(base_url: str, trust: ssl.SSLContext | None = None) -> None:
    """Send a recording without bytes for each account, which nothing comes of.

    Raises:
        NotAllowedError: the address has no token, or one that does not allow these accounts.
    """
    for account_id in ACCOUNTS:
        phone = Phone(base_url, account_id, MOBILE, trust=trust)
        try:
            answer = await phone.record(str(uuid4()), "none.amr", b"")
        except NoAnswerError:
            return
        finally:
            await phone.close()
        if answer.status in REFUSING:
            raise NotAllowedError(
                f"the ingress answers {answer.status} for {account_id}: the demo wants an address"
                " with a token for any account, which `python -m deploy.tokens create --account"
                " '*'` makes: make demo ARGS=\"--base ADDRESS\""
            )

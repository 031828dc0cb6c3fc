"""What the ingress refuses, and with which status: one table."""

import re
from typing import ClassVar


class RefusedError(Exception):
    """A request that is answered with `status`; the text is for the person who reads the answer."""

    status: ClassVar[int]
    text: ClassVar[str]
    headers: ClassVar[dict[str, str]] = {}

    @classmethod
    def reason(cls) -> str:
        """The word for it in the metrics: `too_large` of `TooLargeError`."""
        return re.sub(r"\B(?=[A-Z])", "_", cls.__name__.removesuffix("Error")).lower()


class NotFoundError(RefusedError):
    status = 404
    text = "no such path: post to /event, /calldata, /record or /log"


class UnknownTokenError(RefusedError):
    status = 401
    text = "this token is not known here, or it has expired"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class MissingTokenError(UnknownTokenError):
    text = "a token is needed: the base address ends in /k/ and the token"


class ForbiddenError(RefusedError):
    status = 403
    text = "this token may not write for this account or mobile"


class MethodNotAllowedError(RefusedError):
    status = 405
    text = "this path takes POST only"
    headers: ClassVar[dict[str, str]] = {"Allow": "POST"}


class SilentError(RefusedError):
    """The sender stopped in the middle of the body for longer than the setting allows."""

    status = 408
    text = "no more bytes came"


class TooSlowError(RefusedError):
    """The sender trickles: at this rate the body would take hours."""

    status = 408
    text = "the bytes came too slowly"


class TooLargeError(RefusedError):
    status = 413
    text = "larger than this server takes"


class BadUploadError(RefusedError):
    """Empty, cut off, or not a multipart body with a file: the next try may be whole (DESIGN 7)."""

    status = 400
    text = "not a whole multipart body with one file that is not empty"


class MissingIdsError(RefusedError):
    status = 400
    text = "neither path nor form says accountId, mobile and uuid"


class UnavailableError(RefusedError):
    """Kafka did not acknowledge in time: nothing is promised, and the sender should come again."""

    status = 503
    text = "not stored; try again"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "30"}


class BusyError(UnavailableError):
    """As many uploads are in progress as may be, in all or of this account."""

    text = "too many uploads at once; try again"


class DiskLowError(UnavailableError):
    """What room the disk has is kept: by uploads for the spool, by the spool to be drained."""

    text = "the disk is nearly full; try again"


class OverShareError(UnavailableError):
    """While Kafka is away, so much of the account waits that others would have no room."""

    text = "too much of this account waits to be stored; try again"


class TooManyError(RefusedError):
    """The account sends more uploads than its rate allows."""

    status = 429
    text = "more uploads than this account may send; try again"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "60"}


class GoneError(Exception):
    """The sender closed the connection in the middle: there is nobody to answer."""


REFUSED: tuple[type[RefusedError], ...] = (
    UnknownTokenError,
    MissingTokenError,
    ForbiddenError,
    NotFoundError,
    MethodNotAllowedError,
    SilentError,
    TooSlowError,
    TooLargeError,
    BadUploadError,
    MissingIdsError,
    TooManyError,
    UnavailableError,
    BusyError,
    DiskLowError,
    OverShareError,
)

"""Names in the settings that a store takes only in some form: one table.

Without it, a store or its driver would refuse them later, and each recording with them.
"""

import re
from typing import NamedTuple

from schemas.settings import PREFIX, SettingError, Settings


class Form(NamedTuple):
    """What a name must look like: the pattern, and the words for it."""

    pattern: re.Pattern[str]
    words: str


_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*"
FORMS = {
    "clickhouse_database": Form(
        re.compile(_IDENTIFIER), "letters, digits and _, with no digit first"
    ),
    "clickhouse_cluster": Form(
        re.compile(rf"({_IDENTIFIER})?"), "empty, or letters, digits and _, with no digit first"
    ),
    "s3_access_key": Form(re.compile(r"\S+"), "without blanks, and not empty"),
    "s3_secret_key": Form(re.compile(r"\S+"), "without blanks, and not empty"),
    "s3_bucket": Form(
        re.compile(
            r"(?!.*(\.\.|\.-|-\.))(?!\d+(\.\d+){3}$)[A-Za-z0-9][\w.:-]{1,61}[A-Za-z0-9]", re.A
        ),
        "a bucket's name: 3 to 63 letters, digits, - and ., the first and last no sign",
    ),
    "s3_region": Form(
        re.compile(r"([a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)?"),
        "a region such as us-east-1, or empty: S3 is asked for it",
    ),
}


def check_names(settings: Settings) -> None:
    """Refuse a name that is not of its form; what is secret is not quoted.

    Raises:
        SettingError: one is of this kind.
    """
    for name, form in FORMS.items():
        value = getattr(settings, name)
        if not form.pattern.fullmatch(value):
            shown = "" if name.endswith("_key") else f" is {value!r} and"
            raise SettingError(f"{PREFIX}{name.upper()}{shown} must be {form.words}")

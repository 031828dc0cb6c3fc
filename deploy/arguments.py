"""What command lines share: the arguments that are looked at before anything is done."""

import argparse


def positive(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def filled(text: str) -> str:
    """A text that is not empty, without blanks around it."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return text.strip()

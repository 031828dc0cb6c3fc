"""The one error of the local stack: a line for a person."""


class LocalError(Exception):
    """What stops the local stack; the text is one line that names the thing and the remedy."""

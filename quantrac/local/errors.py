"""The one exception of the one-machine stack."""


class LocalError(Exception):
    """Something the user can put right; the message is one sentence that says what and where."""

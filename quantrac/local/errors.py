"""The one exception of the one-machine stack."""

from quantrac.errors import UserError


class LocalError(UserError):
    """Something of this machine that the user can put right; one sentence that says what and where."""

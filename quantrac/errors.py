"""The one exception that says: what a person gave is wrong. It lies below every layer."""


class UserError(ValueError):
    """What a person wrote, typed or set up is refused; the message is a sentence that says what and where.

    Raised by whatever reads files, options, settings and folders of people. The command prints it and exits
    with 1; any other exception that reaches the command is a mistake in this software. It is a ``ValueError``
    because that is what pydantic's validators may raise.
    """

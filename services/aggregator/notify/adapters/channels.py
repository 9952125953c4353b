"""Opens the way to a target as its configuration says."""

from collections.abc import Mapping

from services.aggregator.notify.adapters.smtp import SmtpChannel
from services.aggregator.notify.adapters.webhook import WebhookChannel
from services.aggregator.notify.config import Target
from services.aggregator.notify.target import Channel


def open_channel(target: Target, environment: Mapping[str, str]) -> Channel:
    """Return the target's channel, connecting when first used; raises ``ValueError`` for a missing secret."""
    if target.webhook is not None:
        hook = target.webhook
        return WebhookChannel(str(hook.url), hook.secrets(environment), ca_file=hook.ca_file)
    mail = target.smtp
    assert mail is not None  # noqa: S101 - the configuration has one of the two
    return SmtpChannel(
        target.name,
        mail.host,
        mail.port,
        security=mail.security,
        sender=mail.sender,
        to=mail.to,
        user=mail.user,
        password=mail.password(environment),
        ca_file=mail.ca_file,
    )

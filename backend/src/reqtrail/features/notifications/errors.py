"""What can be wrong with a webhook."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, NotFound


class WebhookNotFound(NotFound):
    """The project has no such webhook."""

    code = "webhook_not_found"
    title = "There is no such webhook"


class TooManyWebhooks(Conflict):
    """The project has as many webhooks as it may have."""

    code = "too_many_webhooks"
    title = "The project has too many webhooks"


class WebhookPaused(Conflict):
    """A webhook that is paused sends nothing, no test either."""

    code = "webhook_paused"
    title = "The webhook is paused"

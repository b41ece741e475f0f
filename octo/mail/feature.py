"""Add mail to the app: the jobs that write and send it and, in the demo, the mailbox page."""

from collections.abc import Callable
from functools import partial
from typing import Final

from flask import Flask

from octo.config import DEMO_MAIL
from octo.errors import N_
from octo.events.consumers import register_consumer
from octo.health.longest_times import register_longest_times
from octo.health.vitals import register_vitals
from octo.mail import api, delivery, mailings, pages, preference_pages
from octo.mail.site import site_of
from octo.mail.transport import SmtpTransport
from octo.mail.vitals import LONGEST_TIMES, read_outbox
from octo.runtime import Runtime
from octo.scheduler import Job, JobReport, register_job
from octo.web.api import register_api
from octo.web.navigation import Link, Place, add_link

EVERY_SECONDS: Final = 2
MAILINGS_EVERY_SECONDS: Final = 1


def register(app: Flask) -> None:
    """Register what writes mails to many, what sends, and a mailbox where mails go nowhere else.

    What sends is asked first: when nothing more is done, it has been asked about every mail, and
    says why one waits.
    """
    found: Runtime = app.extensions["octo.runtime"]
    register_job(app, Job("mail_delivery", _delivery(app, found), every_seconds=EVERY_SECONDS))
    register_consumer(app, mailings.CONSUMER, partial(mailings.mailing_consumer, app))
    write = partial(mailings.write_mailings, app, clock=found.clock)
    register_job(app, Job("mailings", write, every_seconds=MAILINGS_EVERY_SECONDS))
    register_vitals(app, read_outbox)
    register_longest_times(app, LONGEST_TIMES)
    app.register_blueprint(preference_pages.blueprint)
    register_api(app, api.api)
    if found.settings.is_demo:
        app.register_blueprint(pages.blueprint)
        add_link(app, Link(N_("Mailbox"), "mailbox.index", place=Place.DEMO))


def _delivery(app: Flask, found: Runtime) -> Callable[[], JobReport]:
    settings = found.settings

    def deliver() -> JobReport:
        site = site_of(app, settings)
        if settings.mail_url == DEMO_MAIL:
            return delivery.deliver_to_mailbox(clock=found.clock, site=site)
        return delivery.deliver_due(
            clock=found.clock,
            transport=SmtpTransport(settings.mail_url),
            site=site,
            sender=settings.mail_from,
        )

    return deliver

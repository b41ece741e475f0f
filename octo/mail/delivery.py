"""Send what is in the outbox: each mail once, and none held up by another.

A mail is claimed with a lease, sent outside any transaction, and marked in a commit of its
own. A worker killed between the sending and the mark is the one case in which a mail goes out
again: it carries the same ``Message-ID``, by which mailboxes know it.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from typing import Final
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog
from jinja2 import TemplateError
from sqlalchemy.orm import Session
from werkzeug.routing import BuildError

from octo.clock import Clock
from octo.database import reading, transaction
from octo.email_address import mailable
from octo.ids import new_token
from octo.mail.links import render_message, unsubscribe_url
from octo.mail.outbox import MessageStatus, OutboxMessage
from octo.mail.rendering import RenderedMail, Site, render_subject
from octo.mail.transport import MailAwayError, MailRefusedError, Transport, TryLaterError
from octo.scheduler import JobReport

BATCH: Final = 20
MAILBOX_BATCH: Final = 200
LEASE: Final = timedelta(minutes=10)
SAFE_PART_OF_LEASE: Final = timedelta(minutes=8)
FIRST_BACK_OFF: Final = timedelta(seconds=30)
LONGEST_BACK_OFF: Final = timedelta(hours=1)
GIVE_UP_AFTER_TRIES: Final = 80

CANNOT_BE_WRITTEN: Final = (TemplateError, BuildError, ValueError, KeyError, TypeError)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Claim:
    """Mails held for a while: no other worker sends them, and marks need the token."""

    token: str
    messages: list[OutboxMessage]
    ends_monotonic: float


def deliver_due(*, clock: Clock, transport: Transport, site: Site, sender: str) -> JobReport:
    """Send one batch of what is due; what cannot go now is said in the report and waits.

    One batch only: the worker does other things between two of them, money first.
    """
    done = 0
    why = "they could not be sent yet"
    claim = _claim(clock)
    try:
        for message in claim.messages:
            if time.monotonic() >= claim.ends_monotonic:
                why = "the mail server is slow"
                break
            done += _deliver(message, claim, clock, transport, site, sender)
    except MailAwayError as error:
        why = f"the mail server does not answer ({error})"
    finally:
        transport.close()
    return JobReport(done=done, waiting=[*_describe_waiting(clock, why=why)])


def deliver_to_mailbox(*, clock: Clock, site: Site) -> JobReport:
    """Mark what is due as delivered: the demo has no way out, its mailbox page reads the outbox.

    Nothing leaves the database, so a whole batch is one commit.
    """
    with transaction() as session:
        now = clock.machine_now()
        written = 0
        for message in _due(session, now, limit=MAILBOX_BATCH):
            message.tries_count += 1
            try:
                subject = render_subject(
                    message.template, message.context, locale=message.locale, site=site
                )
            except CANNOT_BE_WRITTEN as error:
                _log_unwritten(message, error)
                message.last_error = type(error).__name__
                message.next_try_at = now + back_off(message.tries_count)
            else:
                message.subject = subject[:255]
                message.close(MessageStatus.SENT, at=now)
                written += 1
    return JobReport(
        done=written, waiting=[*_describe_waiting(clock, why="they cannot be written")]
    )


def _describe_waiting(clock: Clock, *, why: str) -> Iterator[str]:
    """Say how many mails are left for a later try, why, and when the first of them comes."""
    with reading() as session:
        now = clock.machine_now()
        later = sa.func.coalesce(OutboxMessage.next_try_at, OutboxMessage.leased_until)
        count, next_at = session.execute(
            sa.select(sa.func.count(), sa.func.min(later)).where(
                OutboxMessage.status == MessageStatus.PENDING, later > now
            )
        ).one()
    if count:
        yield f"mails: {count} wait until {next_at:%Y-%m-%d %H:%M:%S} UTC: {why}"


def _due(session: Session, now: datetime, *, limit: int) -> list[OutboxMessage]:
    """Lock the oldest mails that wait and that no other worker holds."""
    due = (
        sa.select(OutboxMessage)
        .where(
            OutboxMessage.status == MessageStatus.PENDING,
            sa.or_(OutboxMessage.next_try_at.is_(None), OutboxMessage.next_try_at <= now),
            sa.or_(OutboxMessage.leased_until.is_(None), OutboxMessage.leased_until <= now),
        )
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.scalars(due))


def _claim(clock: Clock) -> Claim:
    token = new_token()
    started = time.monotonic()
    with transaction() as session:
        now = clock.machine_now()
        messages = _due(session, now, limit=BATCH)
        for message in messages:
            message.lease_token = token
            message.leased_until = now + LEASE
    return Claim(token, messages, started + SAFE_PART_OF_LEASE.total_seconds())


def _deliver(  # noqa: PLR0917 - the parts of one delivery, in the order of their use
    message: OutboxMessage,
    claim: Claim,
    clock: Clock,
    transport: Transport,
    site: Site,
    sender: str,
) -> int:
    try:
        rendered = render_message(message, site)
        transport.send(compose(message, rendered, sender=sender, site=site))
    except CANNOT_BE_WRITTEN as error:
        _log_unwritten(message, error)
        _postpone(message, claim, clock, reason=type(error).__name__)
    except MailRefusedError as error:
        _close(message, claim, clock, MessageStatus.REFUSED, reason=str(error))
    except TryLaterError as error:
        _postpone(message, claim, clock, reason=str(error))
    except MailAwayError as error:
        _release(claim, clock, reason=str(error))
        raise
    else:
        _close(message, claim, clock, MessageStatus.SENT, subject=rendered.subject)
        return 1
    return 0


def _log_unwritten(message: OutboxMessage, error: Exception) -> None:
    log.error(
        "mail_cannot_be_written",
        message=message.public_id,
        template=message.template,
        exc_info=error,
    )


def compose(
    message: OutboxMessage, rendered: RenderedMail, *, sender: str, site: Site
) -> EmailMessage:
    """Make the mail itself; its ``Message-ID`` is the same each time it is made.

    One that its reader may do without is ended by one press in a mail program, as RFC 8058 says.
    """
    mail = EmailMessage(policy=SMTP)
    name, address = parseaddr(sender)
    mail["From"] = Address(name, addr_spec=address)
    mail["To"] = Address(addr_spec=mailable(message.email))
    mail["Subject"] = rendered.subject
    mail["Date"] = message.created_at
    mail["Message-ID"] = f"<{message.public_id}@{urlsplit(site.url).hostname}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = message.locale
    if url := unsubscribe_url(message, site):
        mail["List-Unsubscribe"] = f"<{url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(rendered.text)
    mail.add_alternative(rendered.html, subtype="html")
    return mail


def _close(
    message: OutboxMessage,
    claim: Claim,
    clock: Clock,
    status: MessageStatus,
    *,
    subject: str = "",
    reason: str = "",
) -> None:
    with transaction() as session:
        mine = _held(session, message, claim)
        if mine is None:
            return
        mine.close(status, at=clock.machine_now())
        mine.subject = subject[:255]
        mine.last_error = reason[:255]
        mine.tries_count += 1
        mine.leased_until = mine.lease_token = None
        mine.context = {}


def _postpone(message: OutboxMessage, claim: Claim, clock: Clock, *, reason: str) -> None:
    if message.tries_count + 1 >= GIVE_UP_AFTER_TRIES:
        _close(message, claim, clock, MessageStatus.REFUSED, reason=reason)
        return
    with transaction() as session:
        if mine := _held(session, message, claim):
            mine.next_try_at = clock.machine_now() + back_off(mine.tries_count)
            mine.tries_count += 1
            mine.last_error = reason[:255]
            mine.leased_until = mine.lease_token = None


def _release(claim: Claim, clock: Clock, *, reason: str) -> None:
    """Release what was claimed and not sent: the server is away, no mail is to blame."""
    with transaction() as session:
        session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.lease_token == claim.token)
            .values(
                leased_until=None,
                lease_token=None,
                last_error=reason[:255],
                next_try_at=clock.machine_now() + FIRST_BACK_OFF,
            )
        )


def _held(session: Session, message: OutboxMessage, claim: Claim) -> OutboxMessage | None:
    """Return the mail, locked, unless another worker has taken it over since."""
    held = sa.select(OutboxMessage).filter_by(id=message.id, lease_token=claim.token)
    return session.scalars(held.with_for_update()).one_or_none()


def back_off(tries_count: int) -> timedelta:
    """Return how long a mail waits after this many tries: doubling, at most an hour."""
    return min(FIRST_BACK_OFF * int(2 ** min(tries_count, 20)), LONGEST_BACK_OFF)

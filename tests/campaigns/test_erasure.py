"""A person leaves when no money of theirs moves; the books keep the rest without them."""

from http import HTTPStatus

import sqlalchemy as sa
from werkzeug.test import TestResponse

from campaigns.models import Pledge, Supporter
from octo.accounts.models import MemberRole, Membership, User
from octo.database import db, transaction
from octo.ids import hash_token, new_public_id
from stripe_sandbox.client import SandboxClient
from tests.make import LONG_AGO, PASSWORD, Make
from tests.moment import Moment
from tests.visitor import Visitor


def erase(client: Visitor, user: User) -> TestResponse:
    client.sign_in(user.email, PASSWORD)
    return client.submit("/account/erase", {"password": PASSWORD}, form="/erase")


def give_to(user: User, pledge: Pledge) -> None:
    with transaction() as session:
        session.execute(
            sa.update(Pledge)
            .where(Pledge.id == pledge.id)
            .values(user_id=user.id, email=user.email, name=user.name, message="Bon vent !")
        )


def test_a_backer_leaves_once_the_campaign_is_settled(
    client: Visitor, make: Make, moment: Moment, sandbox: SandboxClient
) -> None:
    sandbox.top_up(100_00)
    user = make.user()
    campaign = make.live_campaign(goal=5_000_00)
    pledge = make.pledge(campaign, amount=60_00, tip=2_00)
    give_to(user, pledge)

    assert erase(client, user).status_code == HTTPStatus.CONFLICT
    for days in (31, 7):
        moment.advance(days=days)
        make.work()
    client.submit("/account/erase", {"password": PASSWORD}, form="/erase")

    db.session.refresh(pledge)
    assert (pledge.name, pledge.message, pledge.amount, pledge.tip_amount) == ("", "", 60_00, 2_00)
    assert pledge.email.endswith("@erased.invalid")


def test_a_campaign_under_way_is_not_left_alone(client: Visitor, make: Make) -> None:
    campaign = make.live_campaign()
    [membership] = db.session.scalars(
        sa.select(Membership).filter_by(organisation_id=campaign.organisation_id)
    )
    owner, friend = membership.user, make.user("Yann")

    assert erase(client, owner).status_code == HTTPStatus.CONFLICT

    make.member(campaign.organisation, MemberRole.OWNER, user=friend)
    client.submit("/account/erase", {"password": PASSWORD}, form="/erase")
    db.session.refresh(owner)
    assert owner.erased_at is not None


def test_a_supporter_who_leaves_counts_without_a_name(client: Visitor, make: Make) -> None:
    user = make.user()
    campaign = make.live_campaign()
    with transaction() as session:
        session.add(
            Supporter(
                public_id=new_public_id("sup"),
                campaign_id=campaign.id,
                email=user.email,
                name=user.name,
                word="Allez !",
                token_hash=hash_token("x"),
                created_at=LONG_AGO,
                verified_at=LONG_AGO,
            )
        )

    erase(client, user)

    [support] = db.session.scalars(sa.select(Supporter))
    assert (support.name, support.word) == ("", "")
    assert support.verified_at is not None

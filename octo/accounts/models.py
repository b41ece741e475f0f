"""People: users and their roles, organisations and their members."""

from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from flask_security import RoleMixin, UserMixin
from sqlalchemy.orm import Mapped, mapped_column, relationship

from octo.database import Base, Id, Instant, Model, PublicId, big_id, status_column
from octo.email_address import LONGEST_EMAIL

LONGEST_NAME: Final = 100


class RoleName(StrEnum):
    """What a person is here for; a backer needs no role."""

    OWNER = "owner"
    MODERATOR = "moderator"
    TREASURER = "treasurer"
    ADMIN = "admin"


class MemberRole(StrEnum):
    """What a person does in an organisation; an owner does all of it."""

    EDIT = "edit"
    ANSWER = "answer"
    DELIVER = "deliver"
    MONEY = "money"
    OWNER = "owner"


class LegalForm(StrEnum):
    """What an organisation is in law."""

    ASSOCIATION = "association"
    COOPERATIVE = "cooperative"
    COMPANY = "company"
    SOLE_TRADER = "sole_trader"
    PUBLIC_BODY = "public_body"
    COLLECTIVE = "collective"


user_role: Final = sa.Table(
    "user_role",
    Base.metadata,
    sa.Column("user_id", sa.ForeignKey("user.id"), primary_key=True),
    sa.Column("role_id", sa.ForeignKey("role.id"), primary_key=True),
)


class Role(RoleMixin, Model):
    """One of the roles that open rooms of the site."""

    __tablename__ = "role"

    id: Mapped[Id]
    name: Mapped[RoleName] = status_column(RoleName, unique=True)


class User(UserMixin, Model):
    """Someone who signs in; erased, the row stays and the person is gone from it."""

    __tablename__ = "user"
    __table_args__ = (
        sa.CheckConstraint("email = lower(email)", name="email_normalised"),
        sa.CheckConstraint("erased_at IS NULL OR NOT active", name="erased_is_inactive"),
        sa.CheckConstraint("erased_at IS NULL OR password IS NULL", name="erased_cannot_sign_in"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    email: Mapped[str] = mapped_column(sa.String(LONGEST_EMAIL), unique=True)
    name: Mapped[str] = mapped_column(sa.String(LONGEST_NAME), default="")
    password: Mapped[str | None] = mapped_column(sa.String(255))
    locale: Mapped[str] = mapped_column(sa.String(5), default="fr")
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64), unique=True)
    confirmed_at: Mapped[Instant | None]
    created_at: Mapped[Instant]
    erased_at: Mapped[Instant | None]

    roles: Mapped[list[Role]] = relationship(  # type: ignore[assignment]  # a list of our own roles
        secondary=user_role, lazy="selectin"
    )
    memberships: Mapped[list["Membership"]] = relationship(back_populates="user")

    @property
    def pseudonym(self) -> str:
        """Return the address of nobody that stands for this person once they are erased."""
        return f"{self.public_id.removeprefix('usr_')}@erased.invalid"

    def has_any_role(self, *names: RoleName) -> bool:
        """Tell whether the person holds at least one of these roles."""
        return any(role.name in names for role in self.roles)


class Organisation(Model):
    """Who runs campaigns and is paid by them: an association, a cooperative, a company."""

    __tablename__ = "organisation"
    __table_args__ = (
        sa.CheckConstraint(
            "registration_number IS NULL OR length(registration_number) = 9",
            name="registration_number_is_a_siren",
        ),
        sa.CheckConstraint("length(name) > 0", name="name_not_empty"),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    name: Mapped[str] = mapped_column(sa.String(LONGEST_NAME))
    slug: Mapped[str] = mapped_column(sa.String(120), unique=True)
    legal_form: Mapped[LegalForm] = status_column(LegalForm, default=LegalForm.ASSOCIATION)
    registration_number: Mapped[str | None] = mapped_column(sa.String(9))
    place: Mapped[str] = mapped_column(sa.String(100), default="")
    description: Mapped[str] = mapped_column(sa.Text(), default="")
    created_at: Mapped[Instant]

    memberships: Mapped[list["Membership"]] = relationship(back_populates="organisation")


class Membership(Model):
    """A person's place in an organisation: members run its campaigns together, by their roles."""

    __tablename__ = "membership"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "organisation_id", name="uq_membership_once"),
        sa.Index("ix_membership_organisation_id", "organisation_id"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = big_id("user.id")
    organisation_id: Mapped[int] = big_id("organisation.id")
    role: Mapped[MemberRole] = status_column(MemberRole)
    created_at: Mapped[Instant]

    user: Mapped[User] = relationship(back_populates="memberships")
    organisation: Mapped[Organisation] = relationship(back_populates="memberships")


class Invitation(Model):
    """A mailed link that makes the account of its address a member; used once."""

    __tablename__ = "invitation"
    __table_args__ = (
        sa.Index("ix_invitation_organisation_id", "organisation_id"),
        sa.CheckConstraint("expires_at > created_at", name="expires_later"),
    )

    id: Mapped[Id]
    organisation_id: Mapped[int] = big_id("organisation.id")
    invited_by_id: Mapped[int] = big_id("user.id")
    email: Mapped[str] = mapped_column(sa.String(LONGEST_EMAIL))
    role: Mapped[MemberRole] = status_column(MemberRole)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]
    accepted_at: Mapped[Instant | None]

    organisation: Mapped[Organisation] = relationship()
    invited_by: Mapped[User] = relationship()


class Purpose(StrEnum):
    """What an access token is for: the cookie of one browser, or a program's requests."""

    BROWSER = "browser"
    PROGRAM = "program"


class AccessToken(Model):
    """What a browser or a program is signed in by; only the hash of its secret is kept.

    Its instants are machine time. ``fs_uniquifier`` is its owner's when it was given: whatever
    renews that one (another password, an erased account) ends every token with it.
    """

    __tablename__ = "access_token"
    __table_args__ = (
        sa.Index("ix_access_token_user_id", "user_id"),
        sa.CheckConstraint("expires_at > created_at", name="expires_later"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = big_id("user.id")
    purpose: Mapped[Purpose] = status_column(
        Purpose, default=Purpose.PROGRAM, server_default=Purpose.PROGRAM.value
    )
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    fs_uniquifier: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[Instant]
    expires_at: Mapped[Instant]

    user: Mapped[User] = relationship()

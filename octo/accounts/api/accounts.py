"""One's own account: signing up, in and out, and leaving."""

from http import HTTPStatus

from flask import current_app

from octo.accounts import access_tokens, credentials, limits, people
from octo.accounts.credentials import LinkOverError, NotConfirmedError, SignInRefusedError
from octo.accounts.current_user import this_user
from octo.accounts.erasure import StillNeededError, erase_user, erasers_of
from octo.accounts.models import User
from octo.accounts.roles import LastAdminError
from octo.accounts.schemas import (
    AccessTokenSchema,
    AccountEditSchema,
    EmailSchema,
    MailedTokenSchema,
    NewPasswordSchema,
    PasswordChangeSchema,
    PasswordSchema,
    PersonSchema,
    SignInSchema,
    SignUpSchema,
)
from octo.accounts.team import LastOwnerError
from octo.errors import N_
from octo.runtime import runtime
from octo.web.limits import changes
from octo.web.permissions import bearer_secret, public, signed_in
from octo.web.routes import ApiBlueprint
from octo.web.security_log import note_security

api = ApiBlueprint(
    N_("Accounts"),
    __name__,
    description=N_("Sign up, confirm the address, sign in and out, change or leave one's account."),
)
_EXAMPLE = {"email": "lena@example.org", "password": "une phrase facile à retenir"}


@api.post("/accounts")
@public
@limits.sign_ups
@api.arguments(SignUpSchema, example={**_EXAMPLE, "name": "Léna Riou"})
@api.response(HTTPStatus.ACCEPTED)
def sign_up(body: dict[str, str]) -> None:
    """Sign up.

    A mail brings the token that confirms the address. The answer is the same for an address
    that has an account already: its owner gets a mail that says so.
    """
    credentials.sign_up(**body)


@api.post("/accounts/confirmation")
@public
@api.refuses(LinkOverError)
@api.arguments(MailedTokenSchema)
@api.response(HTTPStatus.NO_CONTENT)
def confirm_address(body: dict[str, str]) -> None:
    """Confirm an address by the token mailed to it."""
    credentials.confirm_address(body["token"])


@api.post("/accounts/confirmation-mail")
@public
@limits.mails
@limits.mailbox_mails
@api.arguments(EmailSchema)
@api.response(HTTPStatus.ACCEPTED)
def mail_confirmation(body: dict[str, str]) -> None:
    """Have the token of a new account mailed again.

    The answer is the same whether or not the address waits for one.
    """
    credentials.mail_confirmation(body["email"])


@api.post("/accounts/password-mail")
@public
@limits.mails
@limits.mailbox_mails
@api.arguments(EmailSchema)
@api.response(HTTPStatus.ACCEPTED)
def mail_reset(body: dict[str, str]) -> None:
    """Have a token mailed to choose another password.

    The answer is the same whether or not the address has an account.
    """
    credentials.mail_reset(body["email"])


@api.post("/accounts/password")
@public
@changes
@api.refuses(LinkOverError)
@api.arguments(NewPasswordSchema)
@api.response(HTTPStatus.NO_CONTENT)
def reset_password(body: dict[str, str]) -> None:
    """Choose another password by a mailed token; every access token ends."""
    credentials.reset_password(body["token"], body["password"])


@api.post("/tokens")
@public
@limits.sign_in_tries
@limits.account_tries
@api.refuses(SignInRefusedError, NotConfirmedError)
@api.arguments(SignInSchema, example=_EXAMPLE)
@api.response(HTTPStatus.CREATED, AccessTokenSchema)
def sign_in(body: dict[str, str]) -> dict[str, object]:
    """Sign in: get an access token.

    Send it with every request as Authorization: Bearer, then the token.
    """
    user = credentials.check_sign_in(**body)
    given, secret = access_tokens.give_token(user.public_id, clock=runtime().clock)
    note_security("token_given", user=user.public_id)
    return {"token": secret, "expires_at": given.expires_at}


@api.delete("/tokens/current")
@signed_in
@api.response(HTTPStatus.NO_CONTENT)
def sign_out() -> None:
    """Sign out: give the access token of this request back."""
    access_tokens.end_token(bearer_secret() or "")


@api.delete("/tokens")
@signed_in
@api.response(HTTPStatus.NO_CONTENT)
def sign_out_everywhere() -> None:
    """Sign out everywhere: end every access token of your account, and every browser's session."""
    access_tokens.end_every_token(this_user())


@api.get("/me")
@signed_in
@api.response(HTTPStatus.OK, PersonSchema)
def get_account() -> User:
    """Read your account and your roles."""
    return this_user()


@api.patch("/me")
@signed_in
@api.arguments(AccountEditSchema)
@api.response(HTTPStatus.OK, PersonSchema)
def edit_account(body: dict[str, str]) -> User:
    """Change your name, or the language in which the site writes to you."""
    user = this_user()
    return people.change_profile(
        user.public_id,
        name=body.get("name", user.name),
        locale=body.get("locale", user.locale),
    )


@api.post("/me/password")
@signed_in
@changes
@api.arguments(PasswordChangeSchema)
@api.response(HTTPStatus.NO_CONTENT)
def change_password(body: dict[str, str]) -> None:
    """Choose another password; every access token ends, this one too."""
    credentials.change_password(this_user(), **body)


@api.post("/me/erasure")
@signed_in
@changes
@api.refuses(LastAdminError, LastOwnerError, StillNeededError)
@api.arguments(PasswordSchema)
@api.response(HTTPStatus.NO_CONTENT)
def erase_account(body: dict[str, str]) -> None:
    """Erase your account, for good.

    Amounts and dates stay in the books, as the law asks; who you are does not. Refused for as
    long as a pledge of yours, or a campaign that only you run, is under way.
    """
    user = this_user()
    credentials.demand_password(user, body["password"])
    erase_user(
        user.public_id,
        erasers=erasers_of(current_app),
        actor=user.public_id,
        clock=runtime().clock,
    )

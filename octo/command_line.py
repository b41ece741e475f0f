"""What every command has in common: ``--json``, addresses, and a refusal said in one line.

Commands exit 0 when done, 1 when something is wrong and named, 2 on bad use.
"""

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NoReturn

import click
from sqlalchemy.exc import OperationalError

from octo.email_address import find_email, normalise_email
from octo.errors import InvalidError, OctoError, OperatorError, UnavailableError

EXIT_WRONG: Final = 1

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


class EmailAddress(click.ParamType[str]):
    """An e-mail address, in the one way it is stored; anything else is bad use."""

    name = "email"

    def read(self, written: str) -> str:
        """Return the address, or raise ``BadEmailError``."""
        return normalise_email(written)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address as it is stored."""
        try:
            return self.read(value)
        except InvalidError as error:
            self.fail(str(error), param, ctx)


class KnownEmailAddress(EmailAddress):
    """An e-mail address that somebody has an account by."""

    def read(self, written: str) -> str:
        return find_email(written)


def printing_refusals(command: Callable[..., None]) -> Callable[..., None]:
    """Say a refusal of a service, or that the database is away, in one line or in JSON; exit 1."""

    @wraps(command)
    def guarded(**arguments: Any) -> None:
        try:
            command(**arguments)
        except OctoError as error:
            _refuse(str(error), error.code, error.field, as_json=arguments["as_json"])
        except OperatorError as error:
            _refuse(str(error), error.code, None, as_json=arguments["as_json"])
        except OperationalError as error:
            why = str(error.orig).strip().partition("\n")[0]
            what = f"the database does not answer: {why}"
            _refuse(what, UnavailableError.code, None, as_json=arguments["as_json"])

    return guarded


def _refuse(what: str, code: str, field: str | None, *, as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"error": what, "code": code, "field": field}, ensure_ascii=False))
    else:
        click.echo(f"octo: {what}", err=True)
    sys.exit(EXIT_WRONG)

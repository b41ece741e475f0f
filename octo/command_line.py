"""What every command has in common: ``--json``, addresses, and a refusal said in one line.

Commands exit 0 when done, 1 when something is wrong and named, 2 on bad use.
"""

import json
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import click

from octo.errors import InvalidError, OctoError
from octo.users.models import normalise_email

EXIT_WRONG: Final = 1

json_option = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")


class EmailAddress(click.ParamType[str]):
    """An e-mail address, in the one way it is stored; anything else is bad use."""

    name = "email"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the address as it is looked up."""
        try:
            return normalise_email(value)
        except InvalidError as error:
            self.fail(str(error), param, ctx)


def told_refusals(command: Callable[..., None]) -> Callable[..., None]:
    """Say a refusal of a service on the error stream, or in JSON, and exit 1."""

    @wraps(command)
    def guarded(**arguments: Any) -> None:
        try:
            command(**arguments)
        except OctoError as error:
            if arguments["as_json"]:
                told = {"error": str(error), "code": error.code, "field": error.field}
                click.echo(json.dumps(told, ensure_ascii=False))
            else:
                click.echo(f"octo: {error}", err=True)
            sys.exit(EXIT_WRONG)

    return guarded

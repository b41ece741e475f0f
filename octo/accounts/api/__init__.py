"""People in the API: accounts, organisations, and the roles that an admin gives."""

from octo.accounts.api import accounts, organisations, people, team

PARTS = (accounts.api, organisations.api, team.api, people.api)

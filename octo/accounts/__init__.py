"""People: users, roles, organisations and their sign-in."""

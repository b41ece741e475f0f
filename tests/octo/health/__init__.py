"""How the site says how it stands."""

"""The shapes of campaigns in the API; amounts in minor units."""

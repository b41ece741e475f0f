"""The platform every part of Octo stands on: it knows neither campaigns nor payments."""

"""The composition root: the only file that knows every feature."""

import gc
import os
import sys

from campaigns import feature as campaigns
from campaigns import settings as campaign_settings
from demo import feature as demo
from demo.settings import settings_at_hand
from octo.app import create_app
from octo.config import load_settings
from octo.errors import ConfigError
from payments import feature as payments
from payments import settings as payment_settings
from treasury import feature as treasury

try:
    settings = load_settings(
        settings_at_hand(os.environ), parts=(*campaign_settings.PARTS, *payment_settings.PARTS)
    )
    app = create_app(settings, features=[campaigns, payments, treasury, demo])
except ConfigError as error:
    sys.stderr.write(f"octo: {error}\n")
    sys.exit(2)

# Garbage is looked for among what comes after: what was imported and built stays to the end.
gc.freeze()

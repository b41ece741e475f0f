"""``python -m stripe_sandbox``."""

from __future__ import annotations

import sys

from stripe_sandbox.server import main

sys.exit(main())

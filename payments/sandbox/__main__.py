"""``python -m payments.sandbox``."""

from __future__ import annotations

import sys

from payments.sandbox.server import main

sys.exit(main())

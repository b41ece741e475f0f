"""The seed that drawn stories start from: a new one each day, the same for everybody."""

import os
import sys

from octo.clock import real_now


def draw_seed() -> int:
    """Return ``OCTO_SEED``, or else the day's, and print it: what is red here is red anywhere."""
    seed = int(os.environ.get("OCTO_SEED", real_now().toordinal()))
    sys.stdout.write(f"OCTO_SEED={seed}\n")
    return seed

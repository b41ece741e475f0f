"""The seed that drawn stories start from: a new one each day, the same for everybody."""

import os
import sys
from typing import Final

from octo.clock import real_now

SETTING: Final = "OCTO_SEED"


def seed_of_this_run() -> int:
    """Return ``OCTO_SEED``, or else the day's, and hold to it, as all that is started from here.

    A run that passes midnight, or whose workers begin on either side of it, has one seed.
    """
    return int(os.environ.setdefault(SETTING, str(real_now().toordinal())))


def draw_seed() -> int:
    """Return the seed, and print it: what is red here is red anywhere."""
    seed = seed_of_this_run()
    sys.stdout.write(f"{SETTING}={seed}\n")
    return seed

"""How much of each thing people may type: the rows, the pages, the API and the files ask here.

In characters, unless a name says otherwise.
"""

from typing import Final

LONGEST_TITLE: Final = 100
LONGEST_SUMMARY: Final = 280
LONGEST_STORY: Final = 50_000
LONGEST_PLACE: Final = 100
LONGEST_SLUG: Final = 120
LONGEST_COVER_DESCRIPTION: Final = 200
LONGEST_REWARD_TITLE: Final = 100
LONGEST_REWARD_DESCRIPTION: Final = 500
LONGEST_LABEL: Final = 120
LONGEST_NAME: Final = 100
LONGEST_WORD: Final = 280
LONGEST_REASON: Final = 2_000
LONGEST_DURATION_DAYS: Final = 90
MOST_REWARDS: Final = 30
MOST_COST_LINES: Final = 30
MOST_STOCK: Final = 100_000

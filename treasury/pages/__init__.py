"""The treasury's pages: the books, decisions after the verdict, discrepancies."""

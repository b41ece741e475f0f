"""The books in the API, for those who keep them."""

from treasury.api import after_verdict, books, documents

PARTS = (books.api, documents.api, after_verdict.api)

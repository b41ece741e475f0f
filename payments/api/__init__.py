"""The books in the API, for those who keep them."""

from payments.api import aftermath, documents, treasury

PARTS = (treasury.api, documents.api, aftermath.api)

"""Campaigns in the API, one part an actor: what the pages do, through the same services."""

from campaigns.api import drafts, moderation, owner, pledges, public, supporters

PARTS = (public.api, pledges.api, supporters.api, drafts.api, owner.api, moderation.api)

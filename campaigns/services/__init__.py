"""Use-cases of campaigns: each a verb, each owner of its transactions."""

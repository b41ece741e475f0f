"""The rules of a campaign's life: values in, verdict or refusal out; no session, no clock."""

"""Who runs a campaign, and the mails they get."""

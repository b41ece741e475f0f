"""The pages of campaigns: for visitors, backers, owners and moderators."""

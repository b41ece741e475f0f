"""Campaigns, rewards and pledges; nothing here moves money."""

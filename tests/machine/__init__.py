"""The money machine in one process, with its time, its network and its deaths in our hands.

Two workers share one database and one Stripe account. Nothing moves by itself: each step is
asked for, so a story told by a seed is told the same way again.
"""

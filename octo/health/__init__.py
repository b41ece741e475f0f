"""What an operator watches: who is alive, how the site stands, and what a person must look at."""

"""trueup: what Work 365 says should be billed becomes what Autotask bills. Start at pipeline.py."""

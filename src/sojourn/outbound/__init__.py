"""Tells the workspace's own systems what happened, by signed webhooks."""

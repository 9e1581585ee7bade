"""Agents: each leads conversations with a model about one kind of work."""

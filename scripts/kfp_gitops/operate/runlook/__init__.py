"""Runs as somebody on call asks for them: which there were, how one went, who started it, why it failed."""

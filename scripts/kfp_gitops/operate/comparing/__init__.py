"""Two runs side by side: what went into them, what came out, and how long it took."""

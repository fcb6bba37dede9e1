"""Real servers for tests, each on loopback, on a port of its own, with its data in a folder that outlives a kill."""

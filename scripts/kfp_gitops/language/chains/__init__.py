"""Which pipeline starts which: the graph that triggers make between pipelines, and when what follows starts. Pure."""

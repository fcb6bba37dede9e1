"""The graph between the pipelines of an environment, before and after: what is compared, and how it is told and drawn."""

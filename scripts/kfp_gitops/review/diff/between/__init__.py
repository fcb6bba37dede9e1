"""The graph between the pipelines of an environment, before and after: how it is compared, told and drawn."""

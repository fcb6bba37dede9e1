"""Doctor: what must be so before `apply` can work, each point with the command or manifest that mends it."""

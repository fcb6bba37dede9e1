"""One pass over the triggers of an environment: look, decide (`reconcile.causes`), start what is due."""

"""Status of an environment: what is registered, when it fires next, how its last runs ended, what is missing."""

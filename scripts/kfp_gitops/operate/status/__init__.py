"""How an environment is: what is registered, when it fires, how its last runs ended, what is missing."""

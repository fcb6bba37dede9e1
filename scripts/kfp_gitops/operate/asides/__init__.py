"""A developer's own: what the inputs on this machine give, registered beside an environment to be tried there."""

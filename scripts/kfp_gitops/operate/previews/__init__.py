"""Previews of a pull request: what it touches, registered beside an environment, run, compared and taken down again."""

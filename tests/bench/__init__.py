"""Benchmarks: `make bench`. Speed is a ratio against a peer in the same run, never a timed test."""

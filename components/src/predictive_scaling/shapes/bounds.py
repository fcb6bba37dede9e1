"""The most that anything of a shape can be; what says more is no cluster's word."""

MAX_SHAPES = 4000
MAX_CONTAINERS = 100
MAX_REPLICAS = 100_000
MAX_CORES = 100_000.0
MAX_BYTES = float(2**53)

"""Forecasts the CPU and memory that services will need, and recommends how to scale them.

The way of the data: validation -> features -> training -> evaluation -> recommendation. Every stage is a pure
function of tables; `predictive_scaling.steps` reads and writes the files around them. Times are UTC, cpu is in
cores, memory in bytes. The library knows nothing of the system that runs it.
"""

from __future__ import annotations

__version__ = "0.1.0"

"""What the texts of registered pipelines refer their readers to; it is told in `predictive_scaling.base.settings`."""

from predictive_scaling.base.settings import ca_file, setting

__all__ = ["ca_file", "setting"]

"""The components that the hand-written pipelines and their manifests share, as the DSL loads them."""

from pathlib import Path

from kfp import components

SPECS = {path.stem: path.read_text("utf-8") for path in sorted(Path(__file__).parent.glob("*.yaml"))}

globals().update({name: components.load_component_from_text(text) for name, text in SPECS.items()})

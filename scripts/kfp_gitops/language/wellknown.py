"""Well-known names in a compiled pipeline: by their text alone, KFP does something else than run a container."""

PYTHON_EXECUTOR = "kfp.dsl.executor_main"
"""In the command of a Python component, whose source the SDK wrote into it (kfp.dsl.component_factory)."""
STUB_IMAGES = frozenset({"argostub/createpvc", "argostub/deletepvc"})
"""Images of steps that KFP's driver does itself (kfp.kubernetes.CreatePVC, DeletePVC).

Their text is exactly this: any other name in argostub/ would be pulled.
"""

"""The compiler: a rendered manifest → KFP's IR, through the SDK's own DSL, so that it is what KFP would write.

`sdk` is the import of kfp, `build` makes a DSL pipeline of a manifest, `emit` writes that as IR, `made` is the way from
one to the other, `compiled` does it for many and imports the others when it does. The only package besides `kfpapi` and
`localrun` that imports kfp.
"""

from kfp_gitops.compiling.compiler.compiled import (
    Compiled,
    Identity,
    compile_all,
    compile_pipeline,
    identify_all,
    identify_pipeline,
)

__all__ = ["Compiled", "Identity", "compile_all", "compile_pipeline", "identify_all", "identify_pipeline"]

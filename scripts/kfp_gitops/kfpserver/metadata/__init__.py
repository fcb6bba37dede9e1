"""What the tasks of a server's run gave: output parameters, artifacts, and the numbers that were logged with them.

KFP's own API tells nothing of it (2.17.0). Its web page reads it from ML Metadata, by gRPC-web over plain HTTP
(frontend/src/mlmd/MlmdUtils.ts), and so does this: `messages` are the few that are needed, `grpcweb` the frames around
them, `store` asks, `tree` (pure) makes `results` of its records, `logged` numbers of what was logged.
"""

from kfp_gitops.kfpserver.metadata.results import Artifact, RunResults, TaskResults
from kfp_gitops.kfpserver.metadata.store import Metadata, address

__all__ = ["Artifact", "Metadata", "RunResults", "TaskResults", "address"]

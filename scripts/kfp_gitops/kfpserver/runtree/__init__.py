"""A run as people wrote its pipeline: a tree of the manifest's ids with states, from what a server or a machine tells.

`records` and `argo` read a KFP server's task details, `events` what a local run writes; `steps` and `ids` know the
pipeline; `fold` puts both together, and `show` writes it for people. All of it is pure.
"""

from kfp_gitops.kfpserver.runtree.fold import View
from kfp_gitops.kfpserver.runtree.records import Record
from kfp_gitops.kfpserver.runtree.tree import Names, of_events, of_records

__all__ = ["Names", "Record", "View", "of_events", "of_records"]

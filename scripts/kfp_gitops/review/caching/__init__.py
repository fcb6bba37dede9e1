"""What KFP's cache will make of a change: which tasks run again, and which do not although their results would differ.

KFP looks a task's result up by a key (`compiling.cachekey`) before it runs it. Here the keys of a pipeline are worked
out as far as they are known before a run, once as it was and once as it will be, and compared. Pure: YAML data in.

    side ─► from_manifest ┬─► steps (a task and the values it gets) ─► predict ─► starts ─► words
        └─► from_ir ──────┘                                             └─► schedules (nothing would ever run again)

It supposes that the pipeline has run as it was, with the same parameters, and that nobody emptied the cache since.
"""

from kfp_gitops.review.caching.predict import Fate, Outcome, Prediction, predict
from kfp_gitops.review.caching.side import Side
from kfp_gitops.review.caching.steps import KFP_2_17, KFP_2_18, KFP_NEXT, Server

__all__ = ["KFP_2_17", "KFP_2_18", "KFP_NEXT", "Fate", "Outcome", "Prediction", "Server", "Side", "predict"]

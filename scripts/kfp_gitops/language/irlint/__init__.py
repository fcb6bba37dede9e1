"""What is wrong in compiled IR itself: references into nothing, kinds that disagree, circles, names that collide.

KFP's server checks none of it at upload, and the SDK compiles some of it (kubeflow/pipelines#13273): it would come
out when a run fails. Pure: documents in, findings out; `problems` puts them at the lines of a file.

    findings ─► dag (tasks, outputs, circles) ─► task (sources, iterator, condition) ─► view (what a component declares)
           ├──► executors (containers, platform document)
           ├──► importers (their names, where their URI comes from)
           ├──► exits (tasks that run whatever happened, and would not)
           ├──► facts (facts of a run that stay placeholders)
           ├──► optionals (inputs that are not given, and must be) ─► commandline
           ├──► containers (command lines that KFP does not read as they are written, outputs that nobody writes)
           ├──► claims (volume claims that the cache would not make again)
           ├──► argo (texts that Argo takes for its placeholders)
           └──► kept (texts that KFP changes when it stores them)

`problems` also tells texts that a file does not keep for want of quotes (`texts`).

`localrun.lint` asks the same of what it is about to run, in its own words and code: it belongs to the side that
proves this one, so the two share nothing.
"""

from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.foreign import head, what_it_is
from kfp_gitops.language.irlint.lint import (
    findings,
    problems,
    texts_for_argo,
    unknown_settings,
    unread_defaults,
)

__all__ = [
    "Finding", "findings", "head", "problems", "texts_for_argo", "unknown_settings", "unread_defaults", "what_it_is",
]  # fmt: skip

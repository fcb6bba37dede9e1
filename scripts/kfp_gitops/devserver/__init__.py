"""A development server: enough of the KFP v2beta1 API on loopback for the real `kfp.Client`.

Comes in: requests of KFP's API. Goes out: the real server's answers, each rule with its source; state in SQLite; runs,
executed by `kfp_gitops.local.localrun` as a program; schedules that fire. It imports nothing else of `kfp_gitops`, and
nothing else imports it, so that it can be a witness for the rest.
"""

from kfp_gitops.devserver.auth import Rights
from kfp_gitops.devserver.cli import main
from kfp_gitops.devserver.clock import Clock, ManualClock, SystemClock
from kfp_gitops.devserver.errors import StartError
from kfp_gitops.devserver.faults import Fault, Faults, Logged, Trouble
from kfp_gitops.devserver.features import Features
from kfp_gitops.devserver.server import DevServer

__all__ = [
    "Clock",
    "DevServer",
    "Fault",
    "Faults",
    "Features",
    "Logged",
    "ManualClock",
    "Rights",
    "StartError",
    "SystemClock",
    "Trouble",
    "main",
]

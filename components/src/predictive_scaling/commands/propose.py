"""`propose`: a recommendation's floors into a tree of patches of a GitOps repository, by hand or by a job."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from predictive_scaling.base.clock import parse_instant, resolve_now
from predictive_scaling.base.console import complain, say
from predictive_scaling.base.documents import Document, read_document
from predictive_scaling.base.errors import InputError
from predictive_scaling.commands.command import Command
from predictive_scaling.consumers.yamltext import MARK
from predictive_scaling.proposals.cluster import Kubectl, tried
from predictive_scaling.proposals.floors import namespace
from predictive_scaling.proposals.lowering import Past, history
from predictive_scaling.proposals.over import ground
from predictive_scaling.proposals.placing import is_listed, placing
from predictive_scaling.proposals.proposal import Over, Proposal, proposal
from predictive_scaling.proposals.settings import FORMS
from predictive_scaling.proposals.tree import kustomization_of, read_tree
from predictive_scaling.proposals.writing import write_files
from predictive_scaling.store.opening import open_registry

LESSON = """\
  kubectl kustomize overlays/prod > rendered.yaml
  python -m predictive_scaling propose --recommendation out/recommendation.json --over rendered.yaml \\
    --into overlays/prod/floors

Once: `components: [floors]` in overlays/prod/kustomization.yaml, after the folder of `consumers` where there is one.

Each value becomes the highest of what is rendered, what stands in the tree, and the floor. What people wrote there
stays, remarks and order too. A service that does not fit is left out and told with the place of what it does not fit.
LimitRanges, ResourceQuotas and Nodes are heeded where --over has them (kubectl get limitrange,quota,nodes -A -o yaml).

proposal.yaml in the tree: form, allowLower, holdOff, raiseMaximum, for all and under services: {NAME: ...} for one.

Exit codes: 0 everything fits · 1 something was left out, the rest is written · 2 bad input, nothing is written · 4 the
cluster or the registry failed, nothing is written."""


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--recommendation", required=True, help="recommendation.json")
    parser.add_argument(
        "--over",
        action="append",
        default=[],
        metavar="RENDERED.yaml",
        help="what the tree is laid over, as kubectl kustomize prints it; - reads it from stdin; may be given again",
    )
    parser.add_argument(
        "--into", required=True, metavar="TREE", help="folder of patches: a kustomize component"
    )
    parser.add_argument(
        "--form", default="", choices=FORMS, help="of memory: template rolls pods (default); vpa, pod"
    )
    parser.add_argument("--namespace", default="", help="where the recommendation does not say it")
    parser.add_argument(
        "--allow-lower", default="", metavar="20%", help="lower values of ours that are too high by this"
    )
    parser.add_argument(
        "--hold-off", default="", metavar="14d", help="... once they were for so long (default 14d)"
    )
    parser.add_argument(
        "--raise-maximum",
        action="store_true",
        help="the most replicas, too, to what some hour wants: maximum.yaml",
    )
    parser.add_argument(
        "--registry", default="", help="with --allow-lower: where recommendations of the past are"
    )
    parser.add_argument(
        "--cluster", action="store_true", help="try it with server-side dry runs (kubectl) first"
    )
    parser.add_argument("--context", default="", help="of kubectl, with --cluster")


def _run(found: Namespace) -> int:
    if not found.over:
        raise InputError(
            "give --over RENDERED.yaml, what kubectl kustomize prints: a patch that does not know what it is laid over "
            "may lower it"
        )
    document = read_document(found.recommendation)
    folder = Path(found.into)
    files = read_tree(folder)
    if files.get(kustomization_of(files), "").startswith(MARK):
        raise InputError(
            f"{folder}: a folder of `consumers`, which would drop our patches; give another --into"
        )
    texts = [(_name(each), _text(each)) for each in found.over]
    given = {"form": found.form, "allowLower": found.allow_lower, "holdOff": found.hold_off}
    given |= {"raiseMaximum": "true"} if found.raise_maximum else {}
    over = Over(ground(texts), placing(folder), _past(found, document), found.namespace)
    made = proposal(document, files, over, given)
    if found.cluster:
        kubectl = Kubectl(found.context)
        over = kubectl.bounded(over, found.namespace or namespace(document))
        made = proposal(document, files, over, given)
        made = tried(kubectl, texts, document, files, over, given, made)
    _tell_expired(document)
    write_files(folder, files, made.files)
    if not is_listed(folder):
        complain(f"{folder}: no kustomization near lists it under components; propose again once one does")
    return _tell(made)


def _tell_expired(document: Document) -> None:
    """Requests age slower than hourly floors, so it is told and not refused."""
    until = document.get("valid_until")
    if isinstance(until, str) and parse_instant(until) < resolve_now():
        complain(
            f"the recommendation expired at {until}: run `recommend` on newer usage before this is merged"
        )


def _tell(made: Proposal) -> int:
    for each in made.left_out:
        complain(each)
    raised = [each for each in made.lines if not each.startswith("note")]
    say("\n".join(made.lines if raised else [*made.lines, "nothing to raise"]))
    return 1 if made.left_out else 0


def _name(path: str) -> str:
    return "stdin" if path == "-" else path


def _text(path: str) -> str:
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{_name(path)}: not UTF-8") from error


def _past(found: Namespace, document: Document) -> list[Past]:
    if found.allow_lower and not found.registry:
        raise InputError(
            "--allow-lower needs --registry: the past recommendations say whether a value is too high"
        )
    return history(open_registry(found.registry), document) if found.registry else []


PROPOSE = Command("propose", "Raise the floors in a GitOps repository's patches", _arguments, _run, LESSON)

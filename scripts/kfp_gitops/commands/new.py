"""`new`: begin a pipeline, a component, a team or a backfill with files that pass all checks as they are."""

from __future__ import annotations

import keyword
import os
import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import ExitCode, UsageError
from kfp_gitops.commands import backfill, begun, console, instance, team
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.sources import compiledfrom, components, environment, scaffold, scaffolddsl
from kfp_gitops.sources.compiledfrom import Compilation
from kfp_gitops.sources.components import Component
from kfp_gitops.sources.environment import RECONCILER_IMAGE, Environment

_EXAMPLES = """  python scripts/new.py component clean_text             a Python component and its test
  python scripts/new.py pipeline text-report --component clean_text
                                                         a pipeline of it, in environment dev, and its test
  python scripts/new.py pipeline churn-weekly --dsl      a pipeline whose tasks are written in KFP's DSL
  python scripts/new.py pipeline usage-report            a pipeline of load_usage and summarize_usage
  python scripts/new.py pipeline acme --template usage-report
                                                         one more pipeline of a template that is there: values only
  python scripts/new.py pipeline churn --from churn.yaml
                                                         a pipeline that you have, as `import.py churn.yaml` makes it
  python scripts/new.py team churn                       a team: limits, its file in dev, its line of CODEOWNERS
  python scripts/new.py pipeline acme --template usage-report --team churn
  python scripts/new.py backfill prices-of-march --pipeline churn --days 2026-03-01..2026-03-31 --reason 'wrong prices'
                                                         days that shall run once more or at last, for review
  python scripts/new.py --take-back                      take back what a start that was killed left half done

A pipeline is a template (templates/pipelines/NAME/pipeline.yaml.j2: parameters, tasks, schedules), the schema of the
values that it takes (values.schema.json beside it), and those values in environments/ENV/values.yaml. A component is
a Python function with typed inputs and outputs in components/NAME/component.py; its container image comes from
release.yaml. Many pipelines may be made from one template (--template): each has its name, values and schedule in
environments/ENV/values.yaml, or with --base in environments/base.yaml for all environments, where what the template's
schema requires is filled in. A team's pipelines stand in environments/ENV/teams/TEAM.yaml (--team). Nothing that is
there is overwritten."""
_COMPONENT = re.compile(r"[a-z][a-z0-9_]{0,61}")
_DEFAULT_COMPONENTS = ("load_usage", "summarize_usage")
# What the components of this repository can be tried with.
_KNOWN_VALUES = {"source": "sample:smd_servers_5min"}


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files of a new pipeline, component, team or backfill; asks nothing and overwrites nothing."""
    parser = Parser("new.py", "Begin a pipeline, a component, a team or a backfill.", _EXAMPLES)
    parser.add_argument("kind", nargs="?", choices=["pipeline", "component", "team", "backfill"])
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="a pipeline, team or backfill: a-z 0-9 -; a component: a-z 0-9 _",
    )
    begun.add_whose(parser, "its name")
    parser.add_argument(
        "--reviewers",
        metavar="@ORG/TEAM",
        help="of a new team: who reviews its files (default: like the others)",
    )
    parser.add_argument(
        "--component",
        action="append",
        default=[],
        metavar="C",
        help="what the pipeline runs; repeatable, in order",
    )
    parser.add_argument(
        "--template", metavar="T", help="make it from this folder of templates/pipelines/, which is there"
    )
    parser.add_argument(
        "--base", action="store_true", help="with --template: write to base.yaml, for every environment"
    )
    parser.add_argument(
        "--image", metavar="I", help="a component's image: a name of release.yaml (default: the first)"
    )
    parser.add_argument(
        "--from",
        dest="source",
        nargs="+",
        metavar="FILE",
        help="make it of what you have: whatever `import.py FILE` takes, such as a compiled pipeline",
    )
    parser.add_argument(
        "--dsl",
        action="store_true",
        help="its tasks are Python, in KFP's DSL (needs kfp); with --from FILE.py it stays so",
    )
    backfill.add(parser)
    begun.add_take_back(parser)
    arguments = parse(parser, argv)
    if arguments.take_back:
        return begun.take_back(arguments)
    if arguments.name is None:
        raise UsageError("new.py: the following arguments are required: kind, NAME; see --help")
    with begun.whole(arguments.root, f"new.py {arguments.kind} {arguments.name}"):
        return _begin(arguments)


def _begin(arguments: Namespace) -> int:
    if arguments.kind == "backfill":
        return backfill.begin(arguments)
    backfill.refuse(arguments)
    if arguments.source is not None:
        return _from(arguments)
    if arguments.kind == "team":
        return team.begin(arguments)
    if arguments.reviewers or (arguments.team and arguments.kind != "pipeline"):
        raise UsageError("new.py: --reviewers is for `team NAME`, --team for `pipeline NAME`; see --help")
    if arguments.dsl and (arguments.kind != "pipeline" or arguments.component or arguments.template):
        raise UsageError("new.py: --dsl is for `pipeline NAME --dsl`, whose steps stand in its pipeline.py")
    if arguments.template is not None or arguments.base:
        return instance.begin(arguments)
    return _component(arguments) if arguments.kind == "component" else _pipeline(arguments)


def _from(arguments: Namespace) -> int:
    """The door of `import.py`, whose file is named as it shall be called here."""
    if arguments.kind != "pipeline":
        raise UsageError("new.py: --from is for `pipeline NAME --from FILE`; see --help")
    if any(getattr(arguments, name) for name in ("template", "base", "component", "image")):
        raise UsageError(
            "new.py: beside --from only --env, --owner, --team and --dsl mean something; leave the others out"
        )
    command = import_module("kfp_gitops.commands.import")
    given = {"root": arguments.root, "env": arguments.env, "owner": arguments.owner, "team": arguments.team}
    words = [word for key, value in given.items() if value for word in (f"--{key}", str(value))]
    kept = ["--keep"] if arguments.dsl else []
    found: int = command.main([*words, *kept, "--name", arguments.name, *arguments.source])
    return found


def _component(arguments: Namespace) -> int:
    root, name = arguments.root, arguments.name
    if not _COMPONENT.fullmatch(name) or keyword.iskeyword(name):
        raise UsageError(
            f"new.py: {name!r} cannot name a component; write a-z, 0-9 and _, a letter first, such as clean_text"
        )
    image = _image(arguments, environment.load(root, arguments.env))
    hint = "choose another name, or remove it"
    _write(root, scaffold.component(name, image), f"components/{name}", hint)
    if find_spec("kfp"):
        from kfp_gitops.commands import components as compile_components

        compile_components.main(["--root", str(root)])
    begun.say(
        f"edit components/{name}/component.py and its test, then: make components",
        f"python -m pytest tests/components/test_{name}.py",
        f"python scripts/new.py pipeline NAME --component {name}",
    )
    return ExitCode.OK


def _image(arguments: Namespace, env: Environment) -> str:
    """The one that is asked for, else the first."""
    images = [image for image in env.images if image != RECONCILER_IMAGE]
    if arguments.image not in (*images, None):
        raise scaffold.unknown("image", arguments.image, images)
    if not images:
        raise UsageError(f"new.py: {environment.release_path(env.name)} has no image for components; add one")
    return str(arguments.image or images[0])


def _pipeline(arguments: Namespace) -> int:
    root, name = arguments.root, arguments.name
    begun.refuse_misnamed(name)
    env = begun.following_sources(root, arguments.env)
    made = _scaffold(arguments, env)
    begun.refuse_taken(env, name)
    path = environment.values_path(env.name)
    if arguments.team:
        path = team.values_path(root, env.name, arguments.team)
    given = env.teams.defaults(arguments.team or "", name)
    entry = {"values": {key: value for key, value in made.values.items() if key not in given}}
    values = scaffold.with_pipeline(files.read_text(root, path), path, name, entry)
    hint = f"{path} has no pipeline {name!r}: make one of this template with --template {name}, or choose another name"
    _write(root, made.files, f"templates/pipelines/{name}", hint)
    files.write_text(root, path, values)
    console.result(f"change {path}")
    if arguments.dsl:
        _compile(root, compiledfrom.pipeline(name))
    begun.render(root, "--env", env.name)
    edit = (
        f"edit templates/pipelines/{name}/{'pipeline.py' if arguments.dsl else 'pipeline.yaml.j2'} and {path}"
    )
    begun.say(
        f"{edit}, then: python scripts/render.py --all --lock{' --components' if arguments.dsl else ''}",
        f"python scripts/run.py --env {env.name} --pipeline {name} --local",
        f"python -m pytest tests/pipelines/test_{name.replace('-', '_')}.py",
    )
    return ExitCode.OK


def _scaffold(arguments: Namespace, env: Environment) -> scaffold.Scaffold:
    name, owner = arguments.name, arguments.owner or arguments.team or f"{arguments.name}-team"
    if not arguments.dsl:
        used = [_used(arguments.root, each) for each in arguments.component or _DEFAULT_COMPONENTS]
        return scaffold.pipeline(name, owner, env.name, used, _KNOWN_VALUES)
    if find_spec("kfp") is None:
        raise UsageError("new.py: --dsl needs kfp, which compiles it: install requirements-reconcile.lock")
    return scaffolddsl.pipeline(name, owner, env.name, _image(arguments, env))


def _compile(root: Path, one: Compilation) -> None:
    from kfp_gitops.commands import components as compile_components

    for path in compile_components.compile_stale(root, [one]):
        console.result(f"add {path}")


def _used(root: Path, name: str) -> Component:
    path = f"components/{name}/component.yaml"
    if not _COMPONENT.fullmatch(name) or not (root / path).is_file():
        folders = files.list_folders(root, "components")
        known = [each for each in folders if (root / "components" / each / "component.yaml").is_file()]
        raise scaffold.unknown("component", name, known)
    return components.read(name, files.read_text(root, path), path)


def _write(root: Path, texts: Mapping[str, str], folder: str, hint: str) -> None:
    """Add files, or none when others are in their place."""
    taken = files.list_files(root, folder) or (root / folder).is_file()  # an empty one is nobody's
    present = [path for path in (*([folder] if taken else []), *texts) if os.path.lexists(root / path)]
    if present:
        said = [f"new.py: {path} exists already; nothing was written" for path in present]
        raise UsageError("\n".join([*said, hint]))
    for path, text in texts.items():
        files.write_text(root, path, text)
        console.result(f"add {path}")

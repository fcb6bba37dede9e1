"""`import`: make a compiled KFP pipeline a template, components and values, and prove that they compile to it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from kfp_gitops.base.errors import UsageError
from kfp_gitops.commands import begun
from kfp_gitops.commands.common import Parser, parse
from kfp_gitops.commands.importing import checked, compiled, dsl, host, kept, others

_EXAMPLES = """  python scripts/import.py trainer.yaml             as the pipeline that it names, in environment dev
  python scripts/import.py trainer.yaml --into templates/pipelines/churn
                                                    its template in a folder of another name
  python scripts/import.py trainer.yaml --name churn
                                                    as the pipeline churn; all else of it is as in the file
  python scripts/import.py train.py:churn           the pipeline `churn` of a DSL file; its components go on as Python
  python scripts/import.py runconfigurations.yaml --ir trainer.yaml
                                                    trainer.yaml with the schedules that sky-uk/kfp-operator has of it
  python scripts/import.py team-1/recurring_runs.yaml --ir example_pipeline_1=trainer.yaml
                                                    the same of deployKF's kubeflow-pipelines-gitops
  python scripts/import.py trainer.yaml --team churn
                                                    its values in the file of a team
  python scripts/import.py version.yaml --inside    the compiled pipeline in a PipelineVersion, or in a PipelineJob
  python scripts/import.py --check a.yaml b.yaml    write nothing; say of each whether it can be imported, and how
  python scripts/import.py --check --strict a.yaml  the same, for those that must become manifests as a whole
  python scripts/import.py trainer.py:train --keep  the DSL file stays, as pipeline.py beside a template
  python scripts/import.py --host http://127.0.0.1:8888 --schedules
                                                    all pipelines of a running KFP, with their recurring runs, so that
                                                    `plan` takes them over as they are
  python scripts/import.py --host http://127.0.0.1:8888 --schedules --pipeline 'churn*' --check
                                                    write nothing; say of those called so what would become of them
  python scripts/import.py --take-back              take back what a start that was killed left half done

FILE is what `kfp dsl compile` wrote. It becomes a template (--into: pipeline.yaml.j2 with its tasks, one more for each
pipeline inside it, values.schema.json of its parameters' defaults, resources and schedules), a component.yaml for each
distinct executor that components/ has not yet, and an entry in environments/ENV/values.yaml. Before anything is
written, all of that is rendered and compiled in memory and held against the file: it must come to the same IR, by its
digest. What the language of manifests has no word for stays a compiled file beside the template, named with each reason
as file:line:column: the smallest pipeline inside that has it, which a task runs, or else the whole file, in place of
tasks (docs/containers-and-compiled-pipelines.md). With --strict it is refused instead, and nothing is written.
Images by tag get a line in environments/ENV/release.yaml, with a digest of zeros that you replace.

FILE.py is imported by Python in a process of its own, with little of yours; what it compiles to comes as above, and of
each component function components/NAME/component.py is written, which compiles to an equal spec. What cannot be taken
out of its place stays component.yaml, and the reason is told (docs/migrate.md).

From a server (--host) comes the newest version of each pipeline, and with --schedules what its recurring runs fire by.
All of that is kept as KFP has it, images too, and `adopts` in the values names what it is there: see docs/migrate.md.
What cannot be said here is left, each told with what to do; then the exit code is 1."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files of an imported pipeline; overwrites nothing, and leaves nothing behind when it fails."""
    parser = Parser(
        "import.py",
        "Import what a team has today: a compiled KFP pipeline, a file of KFP's DSL, all of a running KFP, or what "
        "another GitOps tool keeps; with the proof that nothing changed.",
        _EXAMPLES,
    )
    parser.add_argument(
        "file",
        nargs="*",
        metavar="FILE",
        help="FILE.yaml, .zip or .tar.gz: a compiled pipeline; FILE.py[:PIPELINE]: a file of KFP's DSL; or files of "
        "another tool, or a folder of them",
    )
    parser.add_argument(
        "--into",
        metavar="DIR",
        help="the template's folder (default: templates/pipelines/NAME of the pipeline)",
    )
    parser.add_argument("--name", metavar="NAME", help="the pipeline's name here (default: as the file says)")
    begun.add_whose(parser, "its name and -team")
    parser.add_argument(
        "--check", action="store_true", help="of one or more files: only say whether each can be imported"
    )
    parser.add_argument(
        "--strict", action="store_true", help="refuse what no manifest says, instead of keeping it as it is"
    )
    parser.add_argument(
        "--inside", action="store_true", help="FILE is a PipelineVersion or a PipelineJob: take what is in it"
    )
    parser.add_argument(
        "--ir",
        action="append",
        default=[],
        metavar="[NAME=]FILE",
        help="of files of other tools: the compiled pipeline that NAME is there; repeatable",
    )
    dsl.add(parser)
    host.add(parser)
    begun.add_take_back(parser)
    arguments = parse(parser, argv)
    if arguments.take_back:
        return begun.take_back(arguments)
    host.refuse_misfit(arguments)
    dsl.refuse_misfit(arguments)
    arguments.owner = arguments.owner or arguments.team
    if not arguments.host and not arguments.file:
        raise UsageError(
            "import.py: import what? give a FILE, as in `import.py trainer.yaml` or `import.py train.py:churn`, or a "
            "running KFP with --host URL; see --help"
        )
    if arguments.check:  # which writes nothing
        return _import(arguments)
    with begun.whole(arguments.root, f"import.py {arguments.file[0] if arguments.file else '--host'}"):
        return _import(arguments)


def _import(arguments: Namespace) -> int:
    """By the door that is meant."""
    if arguments.keep and (arguments.host or arguments.check or not all(map(dsl.is_dsl, arguments.file))):
        raise UsageError(
            "import.py: --keep is for a file of KFP's DSL, as in `import.py FILE.py:NAME --keep`"
        )
    if arguments.host:
        return host.import_host(arguments)
    others.refuse_python(arguments.file)
    if others.are(arguments.file):
        return others.import_all(arguments)
    if arguments.ir:
        raise UsageError(
            "import.py: --ir is for files of other tools, which name a pipeline that is not in them"
        )
    if arguments.check:
        return checked.check(arguments)
    if len(arguments.file) > 1:
        raise UsageError("import.py: one file at a time is imported; with --check any number is tried")
    if arguments.keep:
        return kept.import_kept(arguments)
    return dsl.import_dsl(arguments) if dsl.is_dsl(arguments.file[0]) else compiled.import_one(arguments)

"""What a manifest may say compiles to what it means, the same bytes each time."""

import os
import subprocess
import sys
from pathlib import Path

from kfp import components
from kfp_gitops.compiling import ir
from language import compiled, tree, warnings
from project import PROJECT


def test_what_follows_an_if_elif_without_else_stays_outside_of_it() -> None:
    """The SDK never leaves the group of the branches, so a loop around it is never left either."""
    body = """\
spec:
  parameters: {n: {type: int, default: 1}}
  tasks:
    loop:
      loop: {items: [a]}
      tasks:
        g:
          if: {eq: [{param: n}, 1]}
          tasks: {a: {component: say, arguments: {text: a}}}
          elif: [{if: {eq: [{param: n}, 2]}, tasks: {b: {component: say, arguments: {text: b}}}}]
        beside: {component: say, arguments: {text: c}}
    outside: {component: say, arguments: {text: d}}
"""
    found = tree(compiled(body))
    assert set(found) == {"loop", "outside"}
    assert set(found["loop"]) == {"condition-branches-3", "beside"}


def test_resources_from_a_parameter_reach_into_a_group() -> None:
    body = """\
spec:
  parameters: {n: {type: int, default: 1}, cpu: {type: str, default: "1"}}
  tasks:
    g:
      if: {eq: [{param: n}, 1]}
      tasks: {a: {component: say, arguments: {text: a}, resources: {cpu: {limit: {param: cpu}}}}}
"""
    assert "pipelinechannel--cpu" in tree(compiled(body))["condition-1"]["a"]


def test_ignoring_a_failure_needs_no_optional_input() -> None:
    """The SDK looks up every input, given or not: KeyError."""
    body = """\
spec:
  tasks:
    a: {component: say, arguments: {text: a}}
    b: {component: tolerate, after: [a], ignoreUpstreamFailure: true}
"""
    assert tree(compiled(body))["b"] == {"text": {"runtimeValue": {"constant": "nothing"}}}  # its own default


def test_a_loop_directly_under_finally_is_warned_of_with_its_issue() -> None:
    body = """\
spec:
  tasks:
    all:
      finally: {e: {component: say, arguments: {text: x}}}
      tasks:
        l: {loop: {items: [a]}, tasks: {t: {component: say, arguments: {text: x}}}}
"""
    assert compiled(body)
    assert warnings(body) == [
        "m.yaml:9:9: a loop directly under `finally` fails on the KFP backend (kubeflow/pipelines #12390); "
        "make the loop a pipeline of its own, or drop `finally`"
    ]


def test_a_default_of_two_lines_is_no_yaml_of_its_own() -> None:
    """The SDK writes defaults into a comment as they are: the second line is none any more."""
    body = """\
spec:
  parameters: {s: {type: str, default: "a\\nroot: {}"}}
  tasks: {a: {component: say, arguments: {text: {param: s}}}}
"""
    (document,) = ir.documents(compiled(body))
    assert document["root"]["inputDefinitions"]["parameters"]["s"]["defaultValue"] == "a\nroot: {}"


def test_a_text_that_yaml_1_2_reads_as_a_number_is_quoted() -> None:
    """PyYAML writes 1e3 as it is; the server's parser would read a number."""
    body = "spec:\n  tasks: {a: {component: say, arguments: {text: '1e3'}}}\n"
    assert "constant: '1e3'" in compiled(body)


def test_settings_of_kubernetes_make_a_second_document_and_count_for_the_identity() -> None:
    body = "spec:\n  tasks:\n    a: {component: say, arguments: {text: a}}\n"
    plain, limited = compiled(body), compiled(body.replace("text: a}", "text: a}, timeoutSeconds: 5"))
    assert [len(ir.documents(text)) for text in (plain, limited)] == [1, 2]
    assert ir.digest(ir.documents(plain)) != ir.digest(ir.documents(limited))


MANY = """\
spec:
  parameters: {n: {type: int, default: 1}, m: {type: dict, default: {b: 1, a: 2}}, o: {type: list, default: [2, 1]}}
  tasks:
    z: {component: say, arguments: {text: z}, env: {B: b, A: {secret: s, key: k}}}
    l:
      loop: {items: [{b: x, a: y, c: z}]}
      tasks:
        g:
          if: {eq: [{item: l, field: c}, z]}
          tasks: {t: {component: say, arguments: {text: {item: l, field: b}}}}
    y: {component: take, arguments: {fields: {z: {param: n}, a: {param: o}}}}
    w: {component: take, arguments: {fields: {param: m}}}
    x: {component: add, arguments: {a: {param: n}}}
"""


def test_the_order_of_the_manifest_is_that_of_the_tasks() -> None:
    """Task names, and so the bytes, follow the order of creation: only the manifest may say it."""
    other = MANY.replace(
        "    x: {component: add", "    a: {component: say, arguments: {text: a}}\n    x: {component: add"
    )
    names = [list(ir.documents(compiled(body))[0]["root"]["dag"]["tasks"]) for body in (MANY, other)]
    assert names == [
        ["add", "for-loop-1", "say", "take", "take-2"],
        ["add", "for-loop-1", "say", "say-3", "take", "take-2"],
    ]


def test_bytes_are_the_same_for_every_hash_seed_process_and_working_directory(tmp_path: Path) -> None:
    script = "import language, sys; sys.stdout.write(language.compiled(sys.argv[1]))"
    found = set()
    for seed, cwd in (("1", tmp_path), ("2", Path.cwd()), ("77", tmp_path)):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "KFP_DISABLE_EXECUTION_CACHING_BY_DEFAULT": "true" if seed == "77" else "",
        }
        command = [sys.executable, "-c", script, MANY]
        done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=True)
        found.add(done.stdout)
    assert found == {compiled(MANY)}


def test_component_specs_are_the_same_for_every_hash_seed(tmp_path: Path) -> None:
    folder = tmp_path / "components/take"
    folder.mkdir(parents=True)
    (tmp_path / "environments").mkdir()
    (folder / "component.py").write_text(
        "from kfp import dsl\n\n\n@dsl.component(base_image='steps', install_kfp_package=False)\n"
        "def take(text: str = 'two\\nlines', fields: dict = {'a': 1, 'b': 2, 'c': 3}):\n    print(text, fields)\n"
    )
    script = PROJECT / "scripts/components.py"
    for seed, arguments in (("1", []), ("2", ["--check"])):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, script, "--root", tmp_path, *arguments], env=environment, check=True)
    assert components.load_component_from_file(str(folder / "component.yaml"))


def test_the_extension_for_kubernetes_is_imported_only_for_a_manifest_that_uses_it() -> None:
    script = "import language, sys; language.compiled(sys.argv[1]); print('kfp.kubernetes' in sys.modules)"
    plain = (
        "spec:\n  tasks:\n"
        "    a: {component: say, arguments: {text: a}, resources: {cpu: {limit: '1'}}, env: {A: b}}\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for body, used in ((plain, "False"), (plain.replace("{A: b}", "{A: {field: spec.nodeName}}"), "True")):
        command = [sys.executable, "-c", script, body]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == used

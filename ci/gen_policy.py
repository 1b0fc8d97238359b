"""src/commonwheel/repair/policy.json, from the policies that the installed auditwheel carries.

The copy is reviewed data: repair runs where auditwheel may not be installed, and a new policy of
auditwheel's shows as a diff.
"""

import importlib.metadata
import importlib.resources
import json

ARCHITECTURES = ("x86_64", "aarch64")
FAMILIES = ("CXXABI", "GCC", "GLIBC", "GLIBCXX")


def policies() -> list[dict[str, object]]:
    """Manylinux policies, the oldest first, reduced to what repair asks them."""
    folder = importlib.resources.files("auditwheel.policy")
    listed = json.loads(folder.joinpath("manylinux-policy.json").read_text())
    chosen = [policy for policy in listed if policy["name"] != "linux"]
    return [
        {
            "name": policy["name"],
            "aliases": policy["aliases"],
            "symbol_versions": {
                arch: {
                    family: policy["symbol_versions"][arch][family]
                    for family in FAMILIES
                    if family in policy["symbol_versions"][arch]
                }
                for arch in ARCHITECTURES
                if arch in policy["symbol_versions"]
            },
            "libraries": sorted(policy["lib_whitelist"]),
        }
        for policy in sorted(chosen, key=lambda policy: -policy["priority"])
    ]


def installed() -> str:
    """Version of the auditwheel that the policies are taken from."""
    return importlib.metadata.version("auditwheel")


def text() -> str:
    """The file."""
    data = {"auditwheel": installed(), "policies": policies()}
    return json.dumps(data, separators=(",", ":")) + "\n"


def reason_not_to_check(recorded: str) -> str:
    """Why a file is not compared: a new auditwheel alone must not turn a check red."""
    made_by = json.loads(recorded)["auditwheel"] if recorded else installed()
    return "" if made_by == installed() else f"made with auditwheel {made_by}, not {installed()}"

"""What a repair changes in a wheel's own description: version, requirements, tags, file name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from commonwheel.wheel.metadata import with_requirements, with_tags, with_version
from commonwheel.wheel.name import escape_version
from commonwheel.wheel.read import Wheel


@dataclass(frozen=True, kw_only=True)
class MetadataChanges:
    """New METADATA and WHEEL, renamed folders, and the wheel's new file name."""

    file_name: str
    replaced: Mapping[str, bytes]
    renamed: Mapping[str, str]


def metadata_changes(
    wheel: Wheel,
    requirements: Sequence[str],
    platforms: Sequence[str],
    version: str | None,
) -> MetadataChanges:
    """Describe the repaired wheel.

    Args:
        wheel: the wheel before.
        requirements: on its providers (PEP 508).
        platforms: the platform tags that it earned; empty for a wheel without binaries.
        version: its new version; None keeps its own.
    """
    new = replace(
        wheel.name,
        version=wheel.name.version if version is None else escape_version(version),
        platform=tuple(platforms) or wheel.name.platform,
    )
    metadata = wheel.read(wheel.info("METADATA"))
    changed = with_requirements(metadata, requirements)
    changed = changed if version is None else with_version(changed, version)
    described = wheel.read(wheel.info("WHEEL"))
    candidates = {
        wheel.info("METADATA"): (metadata, changed),
        wheel.info("WHEEL"): (described, with_tags(described, new.tags)),
    }
    return MetadataChanges(
        file_name=str(new),
        replaced={
            member: after for member, (before, after) in candidates.items() if before != after
        },
        renamed=_renamed(wheel, new.dist_info),
    )


def _renamed(wheel: Wheel, dist_info: str) -> dict[str, str]:
    if dist_info == wheel.dist_info:
        return {}
    old, new = (folder.removesuffix(".dist-info") for folder in (wheel.dist_info, dist_info))
    folders = {f"{wheel.dist_info}/": f"{dist_info}/"}
    if any(member.startswith(f"{old}.data/") for member in wheel.members):
        folders[f"{old}.data/"] = f"{new}.data/"
    return folders

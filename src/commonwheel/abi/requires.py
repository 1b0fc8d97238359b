"""What the metadata of a wheel say that it requires."""

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from commonwheel.errors import WheelError
from commonwheel.wheel.read import Wheel


def stated(wheel: Wheel, field: str) -> list[str]:
    """The values of a field of METADATA; none where it cannot be read."""
    try:
        return [str(each) for each in wheel.metadata_fields.get_all(field, ())]
    except WheelError:
        return []


def requirements(wheel: Wheel) -> dict[str, Requirement]:
    """The well-formed requirements of a wheel that no extra asks for, by distribution."""
    found: dict[str, Requirement] = {}
    for text in stated(wheel, "Requires-Dist"):
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue  # a gate says so
        if requirement.marker is None or "extra" not in str(requirement.marker):
            found[canonicalize_name(requirement.name)] = requirement
    return found

"""Which release of a line a wheel was built against, where several are at hand."""

from collections.abc import Iterable, Mapping, Sequence

from commonwheel.errors import RepairError
from commonwheel.repair.classify import Needs
from commonwheel.repair.providers import Providers, ProviderWheel
from commonwheel.wheel.read import Wheel


def choose(
    candidates: Providers,
    wheel: Wheel,
    built: Mapping[str, str],
    needs: Sequence[Needs],
    dlopen: Iterable[str],
) -> Providers:
    """The candidates with one release of each line that the wheel uses.

    DT_NEEDED cannot tell: every release of a line has the same SONAMEs. What an earlier repair has
    noted can.

    Args:
        candidates: what the wheel may share; several releases of a line.
        wheel: the wheel before the repair.
        built: line → the release that an earlier repair has noted.
        needs: its binaries, classified with the candidates.
        dlopen: lines that it opens by itself.

    Raises:
        RepairError: several releases of a line are possible.
    """
    lines = {provider.line for need in needs for provider in need.providers} | {*dlopen}
    settled = []
    for line in dict.fromkeys(each.line for each in candidates.wheels):
        releases = [each for each in candidates.wheels if each.line == line]
        settled += releases if line not in lines else [_one(releases, wheel, built, needs)]
    return Providers(wheels=tuple(settled))


def _one(
    releases: list[ProviderWheel], wheel: Wheel, built: Mapping[str, str], needs: Sequence[Needs]
) -> ProviderWheel:
    theirs = {soname for release in releases for soname in release.sonames}
    needed = theirs & {soname for need in needs for soname in need.sonames}
    # A library that came with a later release rules the earlier ones out.
    able = [each for each in releases if needed <= {*each.sonames}] or releases
    noted = built.get(releases[0].line)
    for each in able:
        if each.version == noted:
            return each
    if noted is not None:
        raise RepairError(
            f"was built against {releases[0].line} {noted}, which is not given",
            where=wheel.path.name,
            hint="name that release: --with FILE",
        )
    if len(able) == 1:
        return able[0]
    raise RepairError(
        f"was built against one release of {able[0].line}, and which cannot be known: "
        f"{' or '.join(each.wheel for each in able)}",
        where=wheel.path.name,
        hint="name one of them: --with FILE, beside the folder",
    )

"""By what names code opens a library of a provider."""

import re

from commonwheel.names import SONAME
from commonwheel.repair.providers import ProviderWheel

WORD = r"[A-Za-z0-9_]"


def mention_of(provider: ProviderWheel) -> re.Pattern[bytes]:
    """Matches wherever a file names a library of a provider, or the provider's package.

    ``libgeos_c.so.1``, ``libgeos_c-commonwheel.so.1``, ``geos_c`` (for
    ``ctypes.util.find_library``) and ``geos_so1``, each as a whole word.
    """
    names = {provider.module.rpartition(".")[2]}
    for soname in provider.upstream:
        match = SONAME.fullmatch(soname)
        names.add((match["stem"] if match else soname).removeprefix("lib"))
    words = "|".join(map(re.escape, sorted(names)))
    return re.compile(rf"(?<!{WORD})(?:lib)?(?:{words})(?!{WORD})".encode())

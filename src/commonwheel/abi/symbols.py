"""What has become of the symbols and the version nodes of a library.

Source: U. Drepper, "ELF Symbol Versioning"; glibc, elf/dl-lookup.c (check_match) and
elf/dl-version.c. A reference without a version binds to any default definition, so giving versions
to symbols breaks nothing; a reference with one binds to that version alone.
"""

from collections.abc import Iterator, Sequence

from commonwheel.abi.change import Change
from commonwheel.abi.kinds import additions, breaks, notes
from commonwheel.abi.snapshot import DATA, FUNCTIONS, Exported, Library


def compare_symbols(before: Library, after: Library) -> Iterator[Change]:
    """The changes from one release of a library to the next, symbol by symbol."""
    yield from _nodes(before, after)
    for name, olds in before.by_name.items():
        news = after.by_name.get(name, ())
        if olds == news:  # nearly all
            continue
        if any(symbol.public for symbol in olds):
            yield from _public(before, after, olds, news)
        else:
            yield from _private(before, after, olds, news)
    for name, news in after.by_name.items():
        if name not in before.by_name and any(symbol.public for symbol in news):
            yield additions.SymbolAdded.of(before.soname, main(news).shown)


def main(symbols: Sequence[Exported]) -> Exported:
    """The one that a linker binds to by the bare name; the last one if none is the default."""
    return next((symbol for symbol in symbols if symbol.default), symbols[-1])


def _nodes(before: Library, after: Library) -> Iterator[Change]:
    for node in sorted(set(before.nodes) - set(after.nodes)):
        count = len({s.name for s in before.symbols if s.public and s.version == node})
        if count:
            yield breaks.NodeLost.of(before.soname, node, count=count)
        else:
            yield notes.PrivateNodeLost.of(before.soname, node)
    for node in sorted(set(after.nodes) - set(before.nodes)):
        yield additions.NodeAdded.of(before.soname, node)


def _public(
    before: Library, after: Library, olds: Sequence[Exported], news: Sequence[Exported]
) -> Iterator[Change]:
    soname, old = before.soname, main(olds)
    if not news:
        yield breaks.SymbolRemoved.of(soname, old.shown)
        return
    new = main(news)
    yield from _versions(before, after, olds, news)
    if _kind(old) != _kind(new):
        yield breaks.TypeChanged.of(soname, old.shown, was=old.type, now=new.type)
    for was, now in _same_version(olds, news):
        if was.size is not None and now.size is not None and was.size != now.size:
            yield breaks.SizeChanged.of(soname, was.shown, was=was.size, now=now.size)
    if not any(symbol.public for symbol in news) and before.evidence == after.evidence:
        yield notes.SymbolWithdrawn.of(soname, old.shown)


def _versions(
    before: Library, after: Library, olds: Sequence[Exported], news: Sequence[Exported]
) -> Iterator[Change]:
    soname, old, new = before.soname, main(olds), main(news)
    has = {symbol.version for symbol in news}
    for symbol in olds:
        if symbol.version in after.nodes and symbol.version not in has:
            now = ", ".join(each.shown for each in news)
            yield breaks.VersionChanged.of(soname, symbol.shown, now=now)
    # Of a node that is lost as a whole, all has been said.
    kept = old.version is None or old.version in after.nodes
    if old.default and not new.default:
        yield breaks.DefaultLost.of(soname, old.shown)
    elif new.version is not None and new.version != old.version and kept:
        yield additions.VersionAdded.of(soname, new.shown, was=old.shown)


def _same_version(
    olds: Sequence[Exported], news: Sequence[Exported]
) -> Iterator[tuple[Exported, Exported]]:
    """Each old symbol with the one that programs which use it get."""
    by_version = {symbol.version: symbol for symbol in news}
    for old in olds:
        yield old, by_version.get(old.version) or main(news)


def _kind(symbol: Exported) -> str:
    """How programs reach a symbol; hand-written assembly leaves the type out."""
    if symbol.type in FUNCTIONS or symbol.type == "notype":
        return "function"
    return "data" if symbol.type in DATA - {"tls"} else symbol.type


def _private(
    before: Library, after: Library, olds: Sequence[Exported], news: Sequence[Exported]
) -> Iterator[Change]:
    soname, old = before.soname, main(olds)
    if not news:
        yield notes.PrivateRemoved.of(soname, old.shown)
        return
    if any(symbol.public for symbol in news):
        if before.evidence == after.evidence:
            yield additions.SymbolPublished.of(soname, main(news).shown)
        return
    new = main(news)
    if _kind(old) != _kind(new):
        yield notes.PrivateChanged.of(soname, old.shown, detail=f"{old.type}, now {new.type}")
    elif old.size != new.size:
        detail = f"{old.size} bytes, now {new.size}"
        yield notes.PrivateChanged.of(soname, old.shown, detail=detail)

"""What was built against the old release fails with the new one."""

from commonwheel.abi.change import Kind


class LibraryGone(Kind):
    """A public library of the old release is not in the new one.

    Why: whatever needs it does not start: *cannot open shared object file*.

    Fix: restore it, or make a new ABI line: raise the recipe's `abi.label`.
    """

    id, level = "CWA101", "breaking"
    title = "a library is gone"
    message = "{subject} is gone"


class SonameChanged(Kind):
    """A public library has another SONAME.

    Why: programs name the SONAME that they were linked with. Upstream says by it that the two are
    not to be exchanged; where no other break is found, upstream may have been more careful than it
    had to be.

    Fix: make a new ABI line. A line may be wider than upstream's SONAME, if each release proves to
    be compatible; then the recipe gives the library one SONAME for all releases.
    """

    id, level = "CWA102", "breaking"
    title = "a SONAME has changed"
    message = "{library} has become {subject}"


class NodeLost(Kind):
    """A version node that public symbols had is not defined any more.

    Why: the worst of all. The loader looks for each node that a program was linked with before it
    looks for any symbol, and ends the process where one is missing: *version `X' not found*, or a
    failed assertion where the library has no nodes at all any more. It does not help that the
    symbols themselves are still there.

    Fix: restore upstream's version map; the linker has been given another one or none. Adding nodes
    is safe, losing one never is.
    """

    id, level = "CWA103", "breaking"
    title = "a version node is lost"
    message = (
        "the version node {subject}, which {count} public symbols had, is not defined any more"
    )


class SymbolRemoved(Kind):
    """A public symbol is not exported any more.

    Why: a program that uses it does not start, or ends when it first calls it: *undefined symbol*.

    Fix: restore the symbol, or make a new ABI line. If it never was meant to be used, though the
    headers name it, say so in the recipe's `exports` of the release that drops it.
    """

    id, level = "CWA104", "breaking"
    title = "a public symbol is removed"
    message = "{subject} is not exported any more"


class VersionChanged(Kind):
    """A public symbol has lost a version that it had; the version node itself is still there.

    Why: programs name the version that they were linked with: *symbol X, version Y not defined*.

    Fix: export the old version beside the new one (`.symver`), or make a new ABI line.
    """

    id, level = "CWA105", "breaking"
    title = "a symbol has lost a version"
    message = "{subject} is gone; the new release has {now}"


class DefaultLost(Kind):
    """No version of a public symbol is the default one any more.

    Why: programs that exist still work, but none can be linked to the symbol, and `dlsym` does not
    find it: it is gone for all that is built from now on.

    Fix: mark a version as the default (`name@@version`), or make a new ABI line without the symbol.
    """

    id, level = "CWA106", "breaking"
    title = "a symbol has lost its default version"
    message = "{subject} can only be reached by its version: it has no default any more"


class TypeChanged(Kind):
    """A public symbol was a function and is data now, or the reverse, or has become thread-local.

    Why: the program's code reaches the two in different ways; a call would run data.

    Fix: give the new thing a new name.
    """

    id, level = "CWA107", "breaking"
    title = "a symbol's type has changed"
    message = "{subject} was of type {was} and is of type {now}"


class SizeChanged(Kind):
    """A public data object has another size.

    Why: a program that is not position-independent holds a copy of it, as long as it was when the
    program was linked, and the library uses that copy: what lies behind it is overwritten, or the
    rest is missing. Of a class's virtual table (`_ZTV…`) it says that virtual functions came or
    went.

    Fix: restore the size, hide the object behind a function, or make a new ABI line.
    """

    id, level = "CWA108", "breaking"
    title = "a data object's size has changed"
    message = "{subject} had {was} bytes and has {now}"


class InterfaceChanged(Kind):
    """The types of a public symbol have changed so that old callers disagree with the library.

    A signature, a struct's layout, an enumerator's value: found by abidiff in the debug information
    of both releases, as far as their public headers show the types.

    Why: nothing fails at load; arguments and fields are read from where they are not.

    Fix: restore the type, give the changed function a new name, or make a new ABI line.
    """

    id, level = "CWA201", "breaking"
    title = "the types of a public symbol have changed"
    message = "{subject}: {detail}"


KINDS = (
    LibraryGone,
    SonameChanged,
    NodeLost,
    SymbolRemoved,
    VersionChanged,
    DefaultLost,
    TypeChanged,
    SizeChanged,
    InterfaceChanged,
)

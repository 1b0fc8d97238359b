"""What can be used from the new release on."""

from commonwheel.abi.change import Kind


class SymbolAdded(Kind):
    """There is a public symbol that was not exported before.

    Why: a consumer that uses it needs this release.

    Fix: nothing; the floor of such a consumer is reckoned from it.
    """

    id, level = "CWA401", "addition"
    title = "a public symbol is added"
    message = "{subject} is new"


class VersionAdded(Kind):
    """A public symbol has another default version, or has got one.

    Why: what is linked from now on binds to the default version, and needs a release that has it.
    What is linked already keeps the version that it was linked with.

    Fix: nothing.
    """

    id, level = "CWA402", "addition"
    title = "a symbol has another default version"
    message = "{subject} is what programs are linked to from now on; it was {was}"


class NodeAdded(Kind):
    """A version node is defined that was not there.

    Why: a consumer that is linked with it needs this release.

    Fix: nothing; adding nodes is safe.
    """

    id, level = "CWA403", "addition"
    title = "a version node is added"
    message = "the version node {subject} is new"


class LibraryAdded(Kind):
    """There is a public library that was not there.

    Why: a consumer that needs it needs this release.

    Fix: nothing.
    """

    id, level = "CWA404", "addition"
    title = "a library is added"
    message = "{subject} is new"


class SymbolPublished(Kind):
    """A symbol that was exported but private is public now.

    Why: a consumer may use it, and works with the old release as well.

    Fix: nothing.
    """

    id, level = "CWA405", "addition"
    title = "a private symbol has become public"
    message = "{subject} was private and is public"


KINDS = (
    SymbolAdded,
    VersionAdded,
    NodeAdded,
    LibraryAdded,
    SymbolPublished,
)

"""What no program that keeps to the public headers can see."""

from commonwheel.abi.change import Kind


class PrivateRemoved(Kind):
    """A symbol is gone that neither the headers name nor the recipe exports.

    Why: a library exports more than it promises, and nobody is broken but who went around the
    headers. Taken for breaks, these would be most of all alarms, and false ones.

    Fix: nothing; a consumer that does use it is found by CW206.
    """

    id, level = "CWA501", "note"
    title = "a private symbol is removed"
    message = "{subject}, which is private, is not exported any more"


class PrivateChanged(Kind):
    """A private symbol has another type or size, or has lost a version.

    Why: as CWA501.

    Fix: nothing.
    """

    id, level = "CWA502", "note"
    title = "a private symbol has changed"
    message = "{subject}, which is private, has changed: {detail}"


class PrivateLibraryGone(Kind):
    """A private library is gone, or has another SONAME.

    Why: only libraries of the same release use it, and they come with it.

    Fix: nothing.
    """

    id, level = "CWA503", "note"
    title = "a private library is gone"
    message = "{subject}, which is private, is gone"


class PrivateNodeLost(Kind):
    """A version node is not defined any more that no public symbol had.

    Why: only a program that used a private symbol was linked with it.

    Fix: nothing.
    """

    id, level = "CWA504", "note"
    title = "a private version node is lost"
    message = "the version node {subject}, which no public symbol had, is not defined any more"


class SymbolWithdrawn(Kind):
    """A public symbol is exported still, but is private now: the headers name it no more.

    Why: programs that exist work as before; what is compiled anew does not find it.

    Fix: nothing for the ABI. Upstream means to remove it.
    """

    id, level = "CWA505", "note"
    title = "a public symbol has become private"
    message = "{subject} was public and is private"


class NeedDropped(Kind):
    """A library is not needed any more.

    Why: a program that found symbols of that library only because this one brought it along is
    linked wrongly, but worked.

    Fix: nothing.
    """

    id, level = "CWA506", "note"
    title = "a library is not needed any more"
    message = "does not need {subject} any more"


KINDS = (
    PrivateRemoved,
    PrivateChanged,
    PrivateLibraryGone,
    PrivateNodeLost,
    SymbolWithdrawn,
    NeedDropped,
)

"""What needs more around it than it did, or behaves differently."""

from commonwheel.abi.change import Kind


class PlatformRaised(Kind):
    """A library needs a newer version of a system library.

    Why: a system that the old release ran on may be too old for the new one. The platform tag of a
    wheel says so to installers, which keep the old release there.

    Fix: build in an older image, such as an older manylinux; or accept the higher tag.
    """

    id, level = "CWA301", "warning"
    title = "a newer system library is needed"
    message = "needs {now} of {subject}; {was} was enough"


class NeedAdded(Kind):
    """A library needs another library that it did not need before.

    Why: it does not load where that one is missing. Of a library wheel, a requirement follows.

    Fix: nothing, where the new need is meant.
    """

    id, level = "CWA302", "warning"
    title = "another library is needed"
    message = "needs {subject}, which it did not need before"


class BehaviourChanged(Kind):
    """Somebody has put down that a symbol behaves differently from this release on.

    Why: no tool sees that. Debian's `.symbols` files carry such versions, raised by hand.

    Fix: read the reason; consumers that use the new behaviour need this release.
    """

    id, level = "CWA303", "warning"
    title = "a behaviour has changed, by hand"
    message = "{subject} behaves differently from {version} on: {reason}"


KINDS = (
    PlatformRaised,
    NeedAdded,
    BehaviourChanged,
)

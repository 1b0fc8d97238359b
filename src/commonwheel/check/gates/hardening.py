"""What compiler and linker do against attacks.

Our own wheels must have all of it. Of wheels that others made, only a step back is a fault: a file
that was protected in the release before, and is no more.
"""

from abc import abstractmethod
from collections.abc import Iterator

from commonwheel.check.case import Case
from commonwheel.check.company import previous
from commonwheel.check.finding import Finding
from commonwheel.check.gate import EVERY, Found, Gate
from commonwheel.check.inspect import Binary, Inspected
from commonwheel.check.protection import (
    LANDINGS,
    checks_stack,
    code_size,
    counterpart,
    entries,
    fortified,
    is_linked,
    same_files,
)
from commonwheel.errors import ElfError

NO_RELEASE = "no earlier release of this distribution was given"
NOT_THERE = "the file is not in the earlier release"
# The kit's flags make a function with an array on its stack all but certain in that much code.
MUCH_CODE = 64 << 10


class ExecutableStack(Gate):
    """No file asks for an executable stack; one without a PT_GNU_STACK header counts as asking.

    Why: code that is written to the stack can then be run, and glibc 2.41 and newer refuse to
    `dlopen` such a file. One assembler source without a `.note.GNU-stack` section is enough to
    cause it.

    Fix: link with `-Wl,-z,noexecstack`, or add `.section .note.GNU-stack,"",@progbits` to the
    assembler source.
    """

    id = "CW401"
    title = "no file asks for an executable stack"
    message = "asks for an executable stack: {reason}"
    levels = EVERY

    def check(self, case: Case) -> Found:
        """Every linked file."""
        yield from self.unread(case)
        for binary in linked(case.wheel):
            if binary.elf.exec_stack:
                present = binary.elf.has_gnu_stack
                reason = "PT_GNU_STACK says so" if present else "it has no PT_GNU_STACK header"
                yield self.finding(case, binary.member, reason=reason)


class Protection(Gate):
    """A property of a file that ours must have, and that others must not lose."""

    levels = EVERY
    lost = "; the file in {release} has it"

    @abstractmethod
    def protected(self, binary: Binary) -> bool | None:
        """Whether a file has it; None where that cannot be told.

        Raises:
            ElfError: its symbol table is malformed.
        """

    def check(self, case: Case) -> Found:
        """Ours by themselves, others against the release before."""
        yield from self.unread(case)
        yield from self.regressions(case) if case.wheel.kind == "foreign" else self.absolute(case)

    def absolute(self, case: Case) -> Found:
        """Every file that has it not."""
        for binary in linked(case.wheel):
            try:
                protected = self.protected(binary)
            except ElfError as error:
                yield self.unchecked(error.what, binary.member)
                continue
            if protected is False:
                yield self.finding(case, binary.member, since="")

    def regressions(self, case: Case) -> Found:
        """Every file that had it in the release before."""
        binaries = list(linked(case.wheel))
        # One that this kit has built is no measure of what others do.
        before = previous(case.wheel, [each for each in case.family if each.kind == "foreign"])
        if not binaries:
            return
        if before is None:
            yield self.unchecked(NO_RELEASE)
            return
        known = same_files(linked(before))
        for binary in binaries:
            old = known.get(counterpart(binary))
            if old is None:
                yield self.unchecked(NOT_THERE, binary.member)
                continue
            try:
                worse = self.protected(old) is True and self.protected(binary) is False
            except ElfError as error:
                yield self.unchecked(error.what, binary.member)
                continue
            if worse:
                yield self.finding(case, binary.member, since=self.lost.format(release=before.name))


class TextRelocations(Protection):
    """No file has text relocations.

    Why: the loader must make code writable to apply them; SELinux forbids it, and no two processes
    share the pages.

    Fix: compile everything that goes into the file with `-fPIC`; `-Wl,-z,text` names the object
    that is not.
    """

    id = "CW402"
    title = "no file has text relocations"
    message = "has text relocations (DT_TEXTREL){since}"
    lost = "; the file in {release} has none"

    def protected(self, binary: Binary) -> bool:
        """Whether the code is never written to."""
        return not binary.elf.textrel


class Relro(Protection):
    """Each file makes its relocated data read-only (RELRO).

    Why: otherwise the tables through which functions are called can be overwritten for as long as
    the process lives.

    Fix: link with `-Wl,-z,relro`, and look for a flag that switches it off (`-z norelro`).
    """

    id = "CW403"
    title = "relocated data is read-only"
    message = "has no PT_GNU_RELRO{since}"

    def protected(self, binary: Binary) -> bool:
        """Whether it has the header."""
        return binary.elf.relro


class BindNow(Protection):
    """Each file is bound when it is loaded (NOW), so that RELRO covers all of its tables.

    Why: with lazy binding the table of called functions stays writable. Besides, a missing
    function shows at load, not at its first call.

    Fix: link with `-Wl,-z,now`.
    """

    id = "CW404"
    title = "symbols are bound at load"
    message = "is bound lazily (neither DF_BIND_NOW nor DF_1_NOW){since}"

    def protected(self, binary: Binary) -> bool:
        """Whether it is bound at load."""
        return binary.elf.bind_now


class StackProtector(Protection):
    """Functions with arrays on their stack check it before they return.

    What a stripped file tells is whether it refers to `__stack_chk_fail`; a file without has none
    that needs it, or was compiled without. So ours are asked as a whole: when no file of the wheel
    refers to it, and they hold more than 64 KiB of code, it is a fault; with less, it cannot be
    told. In wheels of others, a file with that much code that referred to it and does so no more.

    Why: it turns most overruns of a stack buffer into an abort.

    Fix: compile with `-fstack-protector-strong`; look for a build system that drops `CFLAGS`.
    """

    id = "CW405"
    title = "the stack is protected"
    message = "nothing refers to __stack_chk_fail in {size} KiB of code{since}"
    lost = "; in {release}, the file does"

    def protected(self, binary: Binary) -> bool:
        """Whether some function of a file is protected."""
        return checks_stack(binary)

    def absolute(self, case: Case) -> Found:
        """All files of a wheel together."""
        binaries = list(linked(case.wheel))
        try:
            if not binaries or any(map(self.protected, binaries)):
                return
        except ElfError as error:
            yield self.unchecked(error.what)
            return
        size = sum(code_size(case.contents[binary.member]) for binary in binaries)
        if size >= MUCH_CODE:
            yield self.finding(case, size=size >> 10, since="")
        else:
            yield self.unchecked(f"{size >> 10} KiB of code may have no function that needs it")

    def regressions(self, case: Case) -> Found:
        """Files with much code."""
        for each in super().regressions(case):
            size = code_size(case.contents[each.member]) if each.member else 0
            if isinstance(each, Finding) and size < MUCH_CODE:
                reason = f"{size >> 10} KiB of code may have no function that needs it any more"
                yield self.unchecked(reason, each.member)
            else:
                yield each

    def finding(self, case: Case, member: str = "", **fields: object) -> Finding:
        """With the size of the code."""
        size = code_size(case.contents[member]) >> 10 if member else ""
        return super().finding(case, member, **{"size": size, **fields})


class Fortify(Protection):
    """Calls of the C library that can overrun a buffer are checked ones (`_FORTIFY_SOURCE`).

    With it, every call of `printf`, `fprintf`, `vprintf`, `vfprintf` and their like becomes one of
    `__printf_chk` and so on (or of `puts`, `fwrite`), so a file that takes a plain one, and no
    `__…_chk` at all, was compiled without. Other functions tell nothing: GCC leaves `memcpy` and
    `snprintf` as they are where it does not know the size of the buffer, or knows that it
    suffices. A file that only hands the address of `printf` to somebody is found too, wrongly:
    waive it.

    Why: it stops overruns of buffers whose size the compiler knows, and `%n` in writable formats.

    Fix: compile with `-O2 -D_FORTIFY_SOURCE=2`, and make the build system pass `CPPFLAGS` or
    `CFLAGS`; it does nothing without optimisation.
    """

    id = "CW406"
    title = "calls of the C library are fortified"
    message = "takes plain {function} and no checked function of the C library{since}"
    lost = "; the file in {release} takes checked ones"

    def protected(self, binary: Binary) -> bool | None:
        """Whether it was compiled so."""
        return fortified(binary)[0]

    def finding(self, case: Case, member: str = "", **fields: object) -> Finding:
        """With the function that shows it."""
        function = fortified(case.wheel.by_member[member])[1]
        return super().finding(case, member, function=function, **fields)

    def absolute(self, case: Case) -> Found:
        """Each file; where none tells, that."""
        yield from super().absolute(case)
        binaries = list(linked(case.wheel))
        try:
            told = [self.protected(binary) for binary in binaries]
        except ElfError:
            return
        if binaries and all(each is None for each in told):
            yield self.unchecked("no file takes a function by which it could be told")


class BranchProtection(Protection):
    """Each file says that its code keeps to protected branches.

    These are IBT and SHSTK on x86-64, BTI and PAC on aarch64. The linker says so
    in `.note.gnu.property` when every object does, the C library's start files too. Where these do
    not (Debian's), the exported functions tell whether our own code was compiled for it; that it
    comes to nothing is then *not checked*, not a fault.

    Why: the processor then stops jumps and returns to places that no call of the program leads to.

    Fix: compile with `-fcf-protection=full` (x86-64) or `-mbranch-protection=standard` (aarch64);
    `-Wl,-z,cet-report=error` names the object without the note, often an assembler source.
    """

    id = "CW407"
    title = "branches are protected where the toolchain can"
    message = "does not say that its code keeps to {wanted}{since}"
    lost = "; the file in {release} does"

    def protected(self, binary: Binary) -> bool | None:
        """Whether the linker has noted it; None on machines that have nothing of the kind."""
        wanted = WANTED.get(binary.elf.machine)
        return None if wanted is None else wanted <= binary.elf.branch_protection

    def finding(self, case: Case, member: str = "", **fields: object) -> Finding:
        """With what is wanted on that machine."""
        wanted = WANTED[case.wheel.by_member[member].elf.machine]
        return super().finding(case, member, wanted=" and ".join(sorted(wanted)), **fields)

    def absolute(self, case: Case) -> Found:
        """Where the start files lack the note, what the functions begin with."""
        for each in super().absolute(case):
            reason = None
            if isinstance(each, Finding):
                reason = _toolchain(case.wheel.by_member[each.member], case)
            yield each if reason is None else self.unchecked(reason, each.member)


def _toolchain(binary: Binary, case: Case) -> str | None:
    """Why the lack of a note need not be the compiler's; None where it is."""
    try:
        found = entries(binary, case.contents[binary.member])
    except ElfError as error:
        return error.what
    if not found:
        return "it has no note, and exports no function that would tell how it was compiled"
    if found.isdisjoint(LANDINGS[binary.elf.machine]):
        return None
    return "its functions are made for it, but the start files of its toolchain lack the note"


WANTED = {"x86_64": frozenset({"IBT", "SHSTK"}), "aarch64": frozenset({"BTI", "PAC"})}


def linked(wheel: Inspected) -> Iterator[Binary]:
    """Its libraries, extension modules and programs; no object files."""
    return (binary for binary in wheel.binaries if is_linked(binary))


GATES: tuple[Gate, ...] = (
    ExecutableStack(),
    TextRelocations(),
    Relro(),
    BindNow(),
    StackProtector(),
    Fortify(),
    BranchProtection(),
)

"""The machines that a wheel runs on are those that it promises."""

from collections.abc import Mapping, Sequence

from commonwheel.check import cpu, cxx, runtimes
from commonwheel.check.case import Case
from commonwheel.check.finding import Finding
from commonwheel.check.gate import EVERY, LIBRARY, MILD, Found, Gate
from commonwheel.check.inspect import Binary
from commonwheel.check.protection import is_linked
from commonwheel.check.tag import (
    Asked,
    Lack,
    PlatformTag,
    arch_of,
    asked,
    candidates,
    lacks,
    lowest,
    parse_tag,
    somewhere,
)
from commonwheel.errors import ElfError, MissingProgramError
from commonwheel.process import ProcessError
from commonwheel.repair.platform import LOADER, MUSL, Policy, policies

SHOWN = 3
# The oldest that is taken for granted (MUSL_TAG).
MUSL_VERSION = (1, 2)


class TagTooLow(Gate):
    """Each platform tag in the file's name promises only machines on which the wheel runs.

    The policies are auditwheel's: version nodes of the C library and of the compilers' run-time
    libraries, libraries that the platform has, symbols that some of its machines lack, and the
    level of x86-64 that a file asks for. What no platform has at all, and no wheel beside it, is a
    matter of its Requires-Dist, and *not checked* here.

    Why: pip installs the wheel on the strength of this name, and the import fails.

    Fix: build on a distribution as old as the tag says, or let `commonwheel repair` (or `auditwheel
    repair`) name the wheel.
    """

    id = "CW501"
    title = "the platform tag is true"
    message = "the tag {tag} promises machines that lack {lacking}; {truth} is true"
    levels = EVERY

    def check(self, case: Case) -> Found:
        """Each tag of the name."""
        yield from self.unread(case)
        wants = asked(case.wheel, case.names)
        if wants is None:
            return
        for tag in _parsed(case):
            if (tag.libc, tag.arch) != (wants.libc, wants.arch):
                continue  # the gate on architectures' business
            if tag.libc == "musl" and tag.version < MUSL_VERSION:
                yield self.unchecked("nothing in a file tells one release of musl from another")
            older, newer = around(tag)
            if older is not None and not _lacking(case, wants, older):
                continue
            lacking = _lacking(case, wants, newer) if newer is not None else []
            if lacking:
                yield self._finding(case, tag, lacking, lowest(wants))
            else:
                yield self.unchecked(f"no policy is known for {tag}")
        for soname, binary in wants.external.items():
            if _is_nobodys(case, wants, soname):
                yield self.unchecked(f"no platform has {soname}", binary.member)

    def _finding(
        self, case: Case, tag: PlatformTag, lacking: Sequence[Lack], truth: str
    ) -> Finding:
        what = _listed(lacking)
        return self.finding(case, lacking[0].member, tag=tag, lacking=what, truth=truth)


class TagTooHigh(Gate):
    """The lowest platform tag in the file's name is the lowest that is true, no plain `linux_…`.

    Why: a tag that is higher than needed shuts out machines on which the wheel would run; indexes
    refuse wheels with a plain `linux_…` tag.

    Fix: let `commonwheel repair` (or `auditwheel repair`) name the wheel.
    """

    id = "CW502"
    title = "the platform tag is not needlessly high"
    message = "the tag {tag} is needlessly high: {truth} is true"
    levels = MILD

    def check(self, case: Case) -> Found:
        """The lowest tag of the name."""
        wants = asked(case.wheel, case.names)
        if wants is None:
            return
        truth = lowest(wants)
        plain = [tag for tag in case.wheel.wheel.name.platform if tag.startswith("linux_")]
        tags = [tag for tag in _parsed(case) if tag.libc == wants.libc]
        true = parse_tag(truth)
        if plain and true is None:
            newest = candidates(wants)[-1:]
            lacking = [lack for policy in newest for lack in lacks(wants, policy)]
            yield self.unchecked(f"no platform policy covers {_listed(lacking) or wants.arch}")
        elif plain:
            yield self.finding(case, tag=plain[0], truth=truth)
        elif tags and true is not None and true.version < min(tags).version:
            yield self.finding(case, tag=min(tags), truth=truth)


class Architecture(Gate):
    """Each library and program is of the machine that the platform tag names; `any` has none.

    Why: on another machine the loader refuses it, and pip has installed it all the same.

    Fix: build each architecture's wheel by itself, with its own tag. A wheel that carries programs
    for several machines on purpose (a debugger's helpers) is an exception to waive.
    """

    id = "CW506"
    title = "every file is of the tag's architecture"
    message = "is of {machine}, and the wheel is for {tag}"
    levels = EVERY

    def check(self, case: Case) -> Found:
        """Each linked file."""
        yield from self.unread(case)
        tags = case.wheel.wheel.name.platform
        promised = {arch_of(tag) for tag in tags if tag != "any"}
        if None in promised:
            # Windows, macOS: what lies there for Linux is no promise.
            if any(tag.startswith(("linux", "manylinux", "musllinux")) for tag in tags):
                yield self.unchecked(f"no architecture is known by the tag {'.'.join(tags)}")
            return
        for binary in filter(is_linked, case.wheel.binaries):
            if promised != {binary.elf.machine}:
                yield self.finding(
                    case, binary.member, machine=binary.elf.machine, tag=".".join(tags)
                )


class Baseline(Gate):
    """No code uses AVX, AVX2, AVX-512, FMA or BMI without asking the processor first.

    The instructions are those of `objdump`. A file that has such instructions, and nothing that
    asks the processor (`cpuid`, `__cpu_model`, `getauxval`, an IFUNC), is a fault. In a file that
    does ask, so is an exported function that has such an instruction in its own body and does not
    ask, but for those whose names say what they are for (`…_avx2`). What is reached through a
    pointer within a file cannot be followed: it counts as dispatched. Only x86-64.

    Why: `Illegal instruction` on older and on many virtual machines. The platform tag promises the
    x86-64 baseline.

    Fix: look for `-march=native`, `-mavx2` and their like in the build; keep such code behind a
    check (`target_clones`, `__builtin_cpu_supports`).
    """

    id = "CW503"
    title = "no instructions beyond the processors promised"
    message = "{where} uses {instruction} without asking the processor"
    levels = LIBRARY

    def check(self, case: Case) -> Found:
        """Each linked file of x86-64."""
        yield from self.unread(case)
        for binary in filter(is_linked, case.wheel.binaries):
            if not case.tools.scan:
                yield self.unchecked("instructions are looked at only when asked to", binary.member)
                continue
            if binary.elf.machine != "x86_64":
                reason = f"instructions of {binary.elf.machine} are not known here"
                yield self.unchecked(reason, binary.member)
                continue
            yield from self._scan(case, binary)

    def _scan(self, case: Case, binary: Binary) -> Found:
        content = case.contents[binary.member]
        try:
            scanned = cpu.scan(content, binary, cache=case.tools.cache, scratch=case.tools.scratch)
        except (ElfError, MissingProgramError, ProcessError) as error:
            yield self.unchecked(error.what, binary.member)
            return
        for where, instruction in scanned.faults:
            yield self.finding(case, binary.member, where=where, instruction=instruction)


class StringAbi(Gate):
    """One ABI of C++ strings and lists on both sides of each wheel boundary.

    A finding is a C++ symbol that a file takes, that no library it needs defines, and that one of
    them defines in the other ABI's spelling; and, of our own, a library that exports symbols of
    both.

    Why: `_GLIBCXX_USE_CXX11_ABI` changes the layout and the mangled names of `std::string` and
    `std::list`. The loader then says "undefined symbol".

    Fix: build both sides with the same `_GLIBCXX_USE_CXX11_ABI`, in one image.
    """

    id = "CW504"
    title = "one ABI of C++ strings"
    message = "{fault}"
    levels = EVERY

    def check(self, case: Case) -> Found:
        """Each linked file."""
        yield from self.unread(case)
        try:
            yield from self._boundaries(case)
            if case.wheel.kind == "library":
                yield from self._mixtures(case)
        except (ElfError, ProcessError) as error:
            yield self.unchecked(error.what)

    def _boundaries(self, case: Case) -> Found:
        known = _libraries(case)
        for binary in filter(is_linked, case.wheel.binaries):
            beside = [known[soname] for soname in binary.elf.needed if soname in known]
            for wanted, found, library in cxx.mismatches(binary, beside):
                fault = f"takes {wanted}, and {library} has it as {found} only"
                yield self.finding(case, binary.member, fault=fault)

    def _mixtures(self, case: Case) -> Found:
        for binary in filter(is_linked, case.wheel.binaries):
            if both := cxx.mixture(binary):
                fault = f"exports {both[0]} of the old ABI and {both[1]} of the new one"
                yield self.finding(case, binary.member, fault=fault)


class Floors(Gate):
    """Each version node that a file needs of a compiler's run-time library is in the copy it gets.

    These are libstdc++, libgcc_s, libgfortran, libquadmath, libgomp and libatomic; and no two
    majors of libgfortran may meet in one process. The copy is one in the wheel, or in a wheel
    beside it; else it is the platform's, as old as the lowest tag of the name says.

    Why: a copy that is older than the compiler that made the file gives "version `GLIBCXX_3.4.32'
    not found" at load.

    Fix: graft the run-time library of the compiler that made the newest file, or build all with
    one.
    """

    id = "CW505"
    title = "the compilers' run-time libraries are new enough"
    message = "needs {node} of {library}, {fault}"
    levels = EVERY
    compares = True

    def check(self, case: Case) -> Found:
        """Each linked file."""
        yield from self.unread(case)
        known = _libraries(case)
        tags = _parsed(case)
        policy = around(min(tags))[0] if tags else None
        for binary in filter(is_linked, case.wheel.binaries):
            for library, versions in runtimes.needs(binary):
                copy = known.get(library)
                if copy is None and (policy is None or not policy.has(library)):
                    yield self.unchecked(f"no copy of {library} is known", binary.member)
                    continue
                owner = copy.member if copy is not None else policy and policy.name
                fault = f"and {owner} has it not"
                for node in runtimes.missing(library, versions, copy, policy, binary):
                    yield self.finding(case, binary.member, node=node, library=library, fault=fault)
        yield from self._majors(case)

    def _majors(self, case: Case) -> Found:
        mine = runtimes.fortran_majors([case.wheel])
        majors = {**runtimes.fortran_majors(case.others), **mine}
        if not mine or len(majors) == 1:
            return
        major = min(mine)
        other = next(each for each in sorted(majors) if each != major)
        fault = f"and {':'.join(majors[other])} needs libgfortran.so.{other}"
        library = f"libgfortran.so.{major}"
        yield self.finding(case, mine[major][1], node="symbols", library=library, fault=fault)


def _listed(lacking: Sequence[Lack]) -> str:
    told = sorted({each.what for each in lacking})
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return f"{', '.join(told[:SHOWN])}{more}"


def _parsed(case: Case) -> list[PlatformTag]:
    parsed = (parse_tag(tag) for tag in case.wheel.wheel.name.platform)
    return [tag for tag in dict.fromkeys(parsed) if tag is not None]


def around(tag: PlatformTag) -> tuple[Policy | None, Policy | None]:
    """The newest known platform that is no newer than a tag, and the oldest that is no older."""
    older = newer = None
    for policy in policies(tag.libc, tag.arch):
        known = parse_tag(f"{policy.name}_{tag.arch}")
        if known is not None and known.version <= tag.version:
            older = policy
        if known is not None and known.version >= tag.version and newer is None:
            newer = policy
    return older, newer


def _lacking(case: Case, wants: Asked, policy: Policy) -> list[Lack]:
    """What a platform lacks, without the libraries that no platform has."""
    return [
        lack
        for lack in lacks(wants, policy)
        if lack.soname is None or lack.soname in somewhere(wants.libc, wants.arch)
        if lack.soname not in _libraries(case)
    ]


def _is_nobodys(case: Case, wants: Asked, soname: str) -> bool:
    known = (soname in somewhere(wants.libc, wants.arch), soname in _libraries(case))
    return not any(known) and not LOADER.search(soname) and not MUSL.match(soname)


def _libraries(case: Case) -> Mapping[str, Binary]:
    """What the wheel and its company hold, by what they answer to; the wheel's own first."""
    found: dict[str, Binary] = {}
    for wheel in (*reversed(case.others), case.wheel):
        found |= wheel.by_soname
    return found


GATES: tuple[Gate, ...] = (
    TagTooLow(),
    TagTooHigh(),
    Baseline(),
    StringAbi(),
    Floors(),
    Architecture(),
)

"""Configure with CMake, build with Ninja."""

from collections.abc import Sequence

from commonwheel.backend.drivers.situation import Command, Driver, Situation


def commands(at: Situation) -> Sequence[Command]:
    """Searches are re-rooted (CMAKE_FIND_ROOT_PATH) to what the build may see.

    That is the assembled prefix, the platform's libraries, and the project's own trees.
    """
    targets = [word for target in at.steps.targets for word in ("--target", target)]
    configure = ("cmake", "-G", "Ninja", "-S", str(at.source), "-B", ".")
    build = ("cmake", "--build", ".")
    return [
        Command(
            words=(*configure, *_cache(at), *at.steps.options),
            logs=("CMakeFiles/CMakeConfigureLog.yaml", "CMakeFiles/CMakeError.log"),
        ),
        Command(words=(*build, *at.parallel, *targets), environment=at.shared),
        *(
            Command(words=(*build, "--target", target), environment=at.shared)
            for target in at.steps.install
        ),
    ]


def _cache(at: Situation) -> list[str]:
    roots = (at.prefix.path, at.toolchain.platform, at.source, at.build)
    settings = {
        "CMAKE_BUILD_TYPE": "Release",
        # The flags come from the environment; Release by itself would add -O3.
        "CMAKE_C_FLAGS_RELEASE": "-DNDEBUG",
        "CMAKE_CXX_FLAGS_RELEASE": "-DNDEBUG",
        "CMAKE_INSTALL_PREFIX": at.install_prefix,
        # With its type: a project that declares it a PATH would make a plain one absolute.
        "CMAKE_INSTALL_LIBDIR:PATH": "lib",
        "CMAKE_SKIP_INSTALL_RPATH": "ON",
        # An absolute RPATH in the build tree would go into the build-id, and leave room behind.
        # There is none for providers: CMake takes folders in LDFLAGS for the linker's own.
        "CMAKE_BUILD_RPATH_USE_ORIGIN": "ON",
        "CMAKE_PREFIX_PATH": str(at.prefix.path),
        "CMAKE_FIND_ROOT_PATH": ";".join(map(str, roots)),
        "CMAKE_FIND_ROOT_PATH_MODE_INCLUDE": "ONLY",
        "CMAKE_FIND_ROOT_PATH_MODE_LIBRARY": "ONLY",
        "CMAKE_FIND_ROOT_PATH_MODE_PACKAGE": "ONLY",
        "CMAKE_FIND_USE_PACKAGE_REGISTRY": "OFF",
        "BUILD_SHARED_LIBS": "ON",
        # CMake 4 refuses projects that ask for policies older than 3.5.
        "CMAKE_POLICY_VERSION_MINIMUM": "3.5",
    }
    return [f"-D{key}={value}" for key, value in settings.items()]


DRIVER = Driver(tools=("cmake", "ninja"), programs={}, commands=commands)

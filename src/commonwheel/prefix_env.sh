# Written by commonwheel. Read it (`. DIR/env.sh`) and builds find the libraries of this prefix:
# pkg-config, CMake, Meson, configure scripts, plain compilers. For any POSIX shell; reading it twice
# changes nothing, and the folder may be moved.

commonwheel_written=@place@
commonwheel_id=@id@

# Bash, zsh and ksh93 say which file they read. Others do not: the current folder, or where this was
# written, if that is still this prefix.
commonwheel_file=
if [ -n "${BASH_VERSION:-}" ]; then
    commonwheel_file=${BASH_SOURCE:-}
elif [ -n "${ZSH_VERSION:-}" ]; then
    eval 'commonwheel_file=${(%):-%x}'
else
    case ${KSH_VERSION:-} in *93*) eval 'commonwheel_file=${.sh.file}' ;; esac
fi
commonwheel_prefix=
case $commonwheel_file in
    */*) commonwheel_prefix=$(CDPATH= cd -- "${commonwheel_file%/*}" && pwd) || : ;;
    ?*) commonwheel_prefix=$PWD ;;
    *)
        for commonwheel_file in "$commonwheel_written" "$PWD"; do
            if grep -q "$commonwheel_id" "$commonwheel_file/commonwheel-prefix.json" 2>/dev/null; then
                commonwheel_prefix=$commonwheel_file
                break
            fi
        done
        ;;
esac

# NAME VALUE SEPARATOR: puts a value before the others of a variable, unless it is there already.
commonwheel_add() {
    eval "commonwheel_file=\${$1:-}"
    case "$3$commonwheel_file$3" in
        *"$3$2$3"*) ;;
        *) eval "export $1=\"\$2\${commonwheel_file:+\$3\$commonwheel_file}\"" ;;
    esac
}

case $commonwheel_prefix in
    "")
        echo "commonwheel: this prefix has moved; change to its folder, then: . ./env.sh" >&2
        ;;
    *[[:space:]:]*)
        echo "commonwheel: builds cannot use a folder with a space or colon: $commonwheel_prefix" >&2
        commonwheel_prefix=
        ;;
    *)
        commonwheel_add PATH "$commonwheel_prefix/bin" :
        commonwheel_add CMAKE_PREFIX_PATH "$commonwheel_prefix" :
        commonwheel_add PKG_CONFIG_PATH "$commonwheel_prefix/share/pkgconfig" :
        commonwheel_add PKG_CONFIG_PATH "$commonwheel_prefix/lib/pkgconfig" :
        # Not C_INCLUDE_PATH and LIBRARY_PATH: CMake and pkg-config would take this for the system's
        # place, and leave its flags and its run path away.
        commonwheel_add CPPFLAGS "-I$commonwheel_prefix/include" " "
        commonwheel_add LDFLAGS "-L$commonwheel_prefix/lib -Wl,-rpath,$commonwheel_prefix/lib" " "
        # The linker's, where no -rpath is given: cc main.c $(pkg-config --libs ...).
        commonwheel_add LD_RUN_PATH "$commonwheel_prefix/lib" :
        ;;
esac

# The status of reading this file: 1 where there is no prefix.
unset -f commonwheel_add
unset commonwheel_file commonwheel_written commonwheel_id
test -n "$commonwheel_prefix" && unset commonwheel_prefix

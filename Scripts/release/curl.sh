#!/usr/bin/env bash
# Builds a libcurl of HTTP and TLS alone as a static library, so that `clip-pull` needs none of the system it runs on.
#
#   Scripts/release/curl.sh FOLDER [ROOT]
#
# ROOT is a root of Debian for arm64 with libssl-dev, libzstd-dev and zlib1g-dev, unpacked: then it is for that architecture, by the toolchain's clang.
# The sources are Debian's with its security patches, fetched by apt from the mirrors that it uses (CURL_SOURCE names a folder of
# unpacked ones instead). FOLDER/lib then holds libcurl.a, libssl.a, libcrypto.a, libzstd.a and libz.a and nothing else, FOLDER/VERSIONS what they are.
# Needs Debian or a child of it, a C compiler, make, dpkg-dev, libssl-dev, zlib1g-dev and, since Debian 13, libzstd-dev.
set -euo pipefail
folder=$(realpath -m "${1:?usage: curl.sh FOLDER [ROOT]}")
root=${2:+$(realpath "$2")}
[[ ! -e $folder/VERSIONS ]] || exit 0
mkdir -p "$folder/work" "$folder/lib"
cd "$folder/work"

source=${CURL_SOURCE:-}
if [[ -z $source ]]; then
    mkdir -p sources lists/partial
    shopt -s nullglob
    for list in /etc/apt/sources.list.d/*.sources; do sed 's/^Types:.*/Types: deb-src/' "$list" >"sources/${list##*/}"; done
    for list in /etc/apt/sources.lis[t] /etc/apt/sources.list.d/*.list; do sed -n 's/^deb /deb-src /p' "$list" >"sources/${list##*/}.list"; done
    apt=(apt-get -qq -o Dir::Etc::sourcelist=/nonexistent -o Dir::Etc::sourceparts="$PWD/sources" -o Dir::State::lists="$PWD/lists" -o APT::Sandbox::User=root)
    "${apt[@]}" update 2>/dev/null
    rm -rf curl-*/
    "${apt[@]}" source curl >/dev/null 2>&1 || { echo "curl.sh: apt can't fetch the sources of curl: name unpacked ones by CURL_SOURCE" >&2; exit 1; }
    source=$(echo "$PWD"/curl-*/)
    version=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$source/debian/changelog")
fi
version_of() { # PACKAGE
    gunzip -c "$root/usr/share/doc/$1/changelog.Debian.gz" | sed -n '1s/.*(\(.*\)).*/\1/p'
}
target=()
if [[ -n $root ]]; then
    tools=$(dirname "$(realpath "$(command -v swift)")")
    export CC="$tools/clang --target=aarch64-linux-gnu --sysroot=$root -fuse-ld=lld" AR=$tools/llvm-ar RANLIB=$tools/llvm-ranlib
    target=(--host=aarch64-linux-gnu)
fi
mkdir -p build
cd build
"$source/configure" --quiet "${target[@]}" --prefix="$folder" --disable-shared --enable-static --with-openssl --with-zlib \
    --without-brotli --without-zstd --without-libpsl --without-libidn2 --without-nghttp2 --without-librtmp --without-libssh2 --without-gssapi \
    --disable-ldap --disable-ldaps --disable-ftp --disable-file --disable-telnet --disable-dict --disable-tftp --disable-pop3 --disable-imap \
    --disable-smtp --disable-gopher --disable-mqtt --disable-rtsp --disable-smb --disable-ntlm --disable-manual --disable-dependency-tracking \
    --without-ca-bundle --without-ca-path --with-ca-fallback >"$folder/log" 2>&1 ||
    { tail -n 5 "$folder/log" >&2; exit 1; }
make -C lib -j"$(nproc)" >>"$folder/log" 2>&1 || { tail -n 5 "$folder/log" >&2; exit 1; }
cp lib/.libs/libcurl.a "$folder/lib/"
take() { cp "$([[ -n $root ]] && echo "$root/usr/lib/aarch64-linux-gnu/$1" || cc -print-file-name="$1")" "$folder/lib/"; }
for library in lib{ssl,crypto,z}.a; do take $library; done
# Debian's OpenSSL calls it since version 3.5. Before, an empty one stands in its place.
zstd=$(grep -q ZSTD_ "$folder/lib/libcrypto.a" && echo libzstd-dev || true)
if [[ -n $zstd ]]; then take libzstd.a; else printf '!<arch>\n' >"$folder/lib/libzstd.a"; fi
{
    echo "curl ${version:-$(sed -n 's/.*LIBCURL_VERSION "\(.*\)"/\1/p' "$source/include/curl/curlver.h")}"
    echo "openssl $(version_of libssl-dev)"
    echo "zlib $(version_of zlib1g-dev)"
    [[ -z $zstd ]] || echo "zstd $(version_of $zstd)"
} >"$folder/VERSIONS"
rm -rf "$folder/work"

#!/usr/bin/env bash
# Makes a release for Linux: programs that need no Swift, packed as a tarball and as a Debian package, with manual pages, completions,
# licences, a bill of materials and checksums, and a formula for Homebrew.
#
#   Scripts/release/make.sh [--programs FOLDER --architecture NAME] [OUTPUT]
#
# OUTPUT is .build/release-files by default. --programs packs a `clip` and a `clip-pull` that are there already; those of another architecture than
# this machine's (x86_64 or aarch64) after a run for this one, whose programs say what manual pages and completions hold. README.md beside this script says what goes where. Programs run on systems whose C library is
# at least as new as that of the machine that built them: build on the oldest that you support. Needs the toolchain, Python 3, and what
# curl.sh needs; dpkg-deb for the Debian package, which is left out without it. SOURCE_DATE_EPOCH sets all times; equal programs give equal files.
set -euo pipefail
cd "$(dirname "$0")/../.."

architecture=$(uname -m) programs='' output=.build/release-files
while (($# > 0)); do
    case $1 in
        --programs) programs=$2; shift 2 ;;
        --architecture) architecture=$2; shift 2 ;;
        -*) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
        *) output=$1; shift ;;
    esac
done
version=$(sed -n 's/.*text = "\(.*\)"/\1/p' Sources/System/CLIPSystem/Version.swift)
date=$(sed -n 's/.*date = "\(.*\)"/\1/p' Sources/System/CLIPSystem/Version.swift)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(date -u -d "$date" +%s)}
parts=.build/release-parts
mkdir -p "$output" "$parts"
output=$(realpath "$output")
step() { printf '== %s %s\n' "$(date +%T)" "$*"; }

native=.build/static/release
if [[ -z $programs ]]; then
    step "libcurl of HTTP and TLS alone"
    Scripts/release/curl.sh "$parts/curl"
    step "static programs"
    libraries=$(realpath "$parts/curl/lib")
    for product in clip clip-pull; do
        swift build -c release --static-swift-stdlib --scratch-path .build/static --product $product -Xswiftc -use-ld=lld \
            -Xlinker "-L$libraries" -Xlinker -l:libcurl.a -Xlinker -l:libssl.a -Xlinker -l:libcrypto.a -Xlinker -l:libzstd.a -Xlinker -l:libz.a \
            -Xlinker --as-needed -Xlinker -s >"$parts/log" 2>&1 ||
            { tail -n 20 "$parts/log" >&2; exit 1; }
    done
    programs=$native
elif [[ $architecture == "$(uname -m)" ]]; then
    native=$programs
fi
# Nothing may be needed but what every system has.
for program in clip clip-pull; do
    needed=$(objdump -p "$programs/$program" | sed -n 's/^ *NEEDED *//p' | grep -vxE 'lib(c|m|gcc_s|stdc\+\+|pthread|dl|util)\.so\.[0-9]+|ld-linux-.*' || true)
    [[ -z $needed ]] || { echo "make.sh: $programs/$program needs $needed, which not every system has" >&2; exit 1; }
done
[[ -x $native/clip ]] || { echo "make.sh: $native/clip is not there: make a release for this machine first" >&2; exit 1; }

step "tree"
name=clip-$version-linux-$architecture
tree=$parts/$name
rm -rf "$tree"
install -D -m 755 "$programs/clip" "$tree/bin/clip"
install -D -m 755 "$programs/clip-pull" "$tree/libexec/clip/clip-pull"
install -D -m 644 Models/clip-small.clip "$tree/share/clip/clip-small.clip"
for page in clip $("$native/clip" help | sed -n '/^SUBCOMMANDS:/,/^EXAMPLES:/s/^  \([a-z][a-z-]*\) .*/\1/p'); do
    file=$tree/share/man/man1/clip-$page.1
    [[ $page != clip ]] || file=$tree/share/man/man1/clip.1
    mkdir -p "${file%/*}"
    "$native/clip" --generate-manual "$page" >"$file"
done
completions() { mkdir -p "${2%/*}"; "$native/clip" --generate-completion-script "$1" >"$2"; }
completions bash "$tree/share/bash-completion/completions/clip"
completions zsh "$tree/share/zsh/site-functions/_clip"
completions fish "$tree/share/fish/vendor_completions.d/clip.fish"
install -D -m 644 -t "$tree/share/doc/clip" LICENSE THIRD_PARTY.md CHANGELOG.md SECURITY.md
install -m 644 Models/README.md "$tree/share/doc/clip/MODEL.md"
install -m 755 Scripts/release/install.sh "$tree/install.sh"
versions=$programs/VERSIONS
[[ -e $versions ]] || versions=$parts/curl/VERSIONS
Scripts/release/sbom.py "$tree" "$version" "$date" "$versions" >"$parts/clip.spdx.json"
install -m 644 "$parts/clip.spdx.json" "$tree/share/doc/clip/clip.spdx.json"
chmod -R u=rwX,go=rX "$tree"
pack() { tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -C "$parts" -cf - "$1" | gzip -9n; }
pack "$name" >"$output/$name.tar.gz"

if command -v dpkg-deb >/dev/null; then
    step "Debian package"
    debian=amd64
    [[ $architecture == x86_64 ]] || debian=arm64
    root=$parts/deb-$debian
    rm -rf "$root"
    mkdir -p "$root/usr" "$root/DEBIAN" "$root/usr/share/lintian/overrides"
    cp -r "$tree/bin" "$tree/libexec" "$tree/share" "$root/usr/"
    mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
    gzip -9n "$root"/usr/share/man/man1/*.1
    documents=$root/usr/share/doc/clip
    mv "$documents/CHANGELOG.md" "$documents/upstream.md"
    rm "$documents/LICENSE"
    maintainer=${CLIP_MAINTAINER:-The clip authors <clip@users.noreply.github.com>}
    {
        printf 'clip (%s) unstable; urgency=medium\n\n  * Version %s: see upstream.md.\n\n -- %s  %s\n' \
            "$version" "$version" "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
    } | gzip -9n >"$documents/changelog.gz"
    {
        printf 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: clip\n\n'
        printf 'Files: *\nCopyright: 2026 The clip authors\nLicense: Expat\n'
        sed -n '/^Permission/,$p' LICENSE | sed 's/^$/./; s/^/ /'
        printf '\nComment:\n Data of others in the program is named in THIRD_PARTY.md beside this file, with its terms;\n the sets that the model learned from in MODEL.md.\n'
    } >"$documents/copyright"
    # Libraries that Foundation and libcurl bring are in the programs on purpose: they run where there is no Swift.
    printf 'clip: embedded-library *\n' >"$root/usr/share/lintian/overrides/clip"
    library=$(objdump -T "$programs/clip" "$programs/clip-pull" | grep -o 'GLIBC_[0-9.]*' | sort -V | tail -n 1)
    depends="libc6 (>= ${library#GLIBC_}), libgcc-s1, libstdc++6"
    if command -v dpkg-shlibdeps >/dev/null && [[ $programs == "$native" ]]; then
        mkdir -p "$parts/shlibdeps/debian"
        printf 'Source: clip\n\nPackage: clip\nArchitecture: any\n' >"$parts/shlibdeps/debian/control"
        depends=$(cd "$parts/shlibdeps" && dpkg-shlibdeps -O "../deb-$debian/usr/bin/clip" "../deb-$debian/usr/libexec/clip/clip-pull" 2>/dev/null | sed 's/^shlibs:Depends=//')
    fi
    cat >"$root/DEBIAN/control" <<END
Package: clip
Version: $version
Architecture: $debian
Maintainer: $maintainer
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends
Recommends: ca-certificates
Section: graphics
Priority: optional
Description: search, sort and name pictures by words
 CLIP turns pictures and texts into embeddings in one space, so that pictures
 are found by words, named with labels of one's own, compared, filtered and
 checked for duplicates. Everything runs on this machine; only "clip pull"
 uses the network, to fetch models.
 .
 A small model is included. Others are read from the files of Hugging Face,
 open_clip, OpenAI and clip.cpp.
END
    (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    chmod -R u=rwX,go=rX "$root"
    dpkg-deb --root-owner-group -Zxz --build "$root" "$output/clip_${version}_$debian.deb" >/dev/null
else
    echo "make.sh: no dpkg-deb here: no Debian package" >&2
fi

step "formula, bill of materials, checksums"
cp "$parts/clip.spdx.json" "$output/$name.spdx.json"
git archive --format=tar --prefix="clip-$version/" HEAD | gzip -9n >"$output/clip-$version.tar.gz"
sum=$(sha256sum "$output/clip-$version.tar.gz" | cut -d' ' -f1)
sed -e "s/@VERSION@/$version/g" -e "s/@SHA256@/$sum/g" Scripts/release/clip.rb.in >"$output/clip.rb"
(cd "$output" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\0' | sort -z | xargs -0 sha256sum >SHA256SUMS)
(cd "$output" && ls -l && cat SHA256SUMS)

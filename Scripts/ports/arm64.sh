#!/usr/bin/env bash
# The package for arm64 Linux, built and tried on an x86-64 one: a cross build with Debian's Swift, its programs and tests in an
# emulator.  usage: arm64.sh [--quick | --only TARGET | --programs] [FOLDER]
#   --quick   the release build, the README's first example and `clip verify`; else the tests too
#   --only    builds the tests, and runs those of one target, such as CLIPThreadsTests
#   --programs  only `clip` and `clip-pull` with the Swift runtime in them, for Scripts/release/make.sh, in FOLDER/programs. They are
#             linked to the C library of Debian 13, and run on that and newer ones
#   FOLDER    keeps the Debian roots and the builds, 8 GB (.build/arm64)
# Needs Debian or a child of it on x86-64, root, and its package mirror. Nothing is installed but mmdebstrap and
# qemu-user-static. Exit status 3: it could not be tried here, and a line says why.
set -euo pipefail
package=$(cd "$(dirname "$0")/../.." && pwd)
quick=false only='' programs=false
if [[ ${1:-} == --quick ]]; then
    quick=true
    shift
elif [[ ${1:-} == --only ]]; then
    only=${2:?--only: of which target?}
    shift 2
elif [[ ${1:-} == --programs ]]; then
    programs=true
    shift
fi
folder=$(realpath -m "${1:-$package/.build/arm64}")

step() { printf '== %s %s\n' "$(date +%T)" "$*"; }
impossible() { echo "arm64: not tried here: $*" >&2; exit 3; }
[[ $(uname -m) == x86_64 ]] || impossible "this is $(uname -m): there, swift build and swift test say the same"
((EUID == 0)) || impossible "roots of another architecture are made by root"
command -v apt-get >/dev/null || impossible "packages come from Debian's apt-get, which is missing"
# What is mounted below disappears with this process, however it ends: a folder can always be removed.
unshare --mount --propagation private true 2>/dev/null || impossible "this root may not mount folders"
mkdir -p "$folder"
(($(df --output=avail -k "$folder" | tail -n 1) > 10 << 20)) || [[ -e $folder/arm64/.done ]] || impossible "$folder has no 10 GB left"
[[ -n ${ARM64_ALONE:-} ]] || ARM64_ALONE=1 exec unshare --mount --propagation private "$0" $($quick && echo --quick) ${only:+--only "$only"} $($programs && echo --programs) "$folder"

for program in mmdebstrap qemu-aarch64-static; do
    command -v $program >/dev/null || { apt-get update -qq && apt-get install -qq -y --no-install-recommends mmdebstrap qemu-user-static; } >/dev/null ||
        impossible "$program is missing, and apt-get can't install it"
done
mirror=$(grep -hoPm1 '^(URIs: |deb (\[[^]]*\] )?)\Khttps?://\S+' \
    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1) || true
[[ -n $mirror ]] || impossible "apt has no mirror in its sources"

# A root that nothing runs in but the compiler and what the tests call.
root() { # NAME ARCHITECTURE SUITE PACKAGES
    [[ ! -e $folder/$1/.done ]] || return 0
    step "$2 packages of $3"
    rm -rf "${folder:?}/$1"
    timeout 1200 mmdebstrap --quiet --mode=root --variant=extract --architectures="$2" --include="base-files,bash,$4" "$3" "$folder/$1" \
        "deb [trusted=yes check-valid-until=no] $mirror $3 main" || impossible "Debian's packages can't be had from $mirror"
    touch "$folder/$1/.done"
}
compiler=swiftlang,libswiftlang,libstdc++-16-dev,libc6-dev
root amd64 amd64 sid $compiler,coreutils,dash,diffutils,findutils,gawk,git,grep,gzip,procps,sed,tar,util-linux
root arm64 arm64 sid $compiler
for system in amd64 arm64; do
    ln -sfn ../libexec/swift/lib/swift_static "$folder/$system/usr/lib/swift_static"
    # Nothing of this library is used, but tests are linked to it, and Debian leaves it out.
    printf '!<arch>\n' >"$folder/$system/usr/libexec/swift/lib/swift/linux/lib_Testing_Foundation.a"
done
sdk_root=arm64
if $programs; then
    # Of the C library of this Swift's own suite nothing newer is used: an older one does, and asks for less where the programs run.
    sdk_root=arm64-13
    root $sdk_root arm64 trixie libstdc++-14-dev,libc6-dev,libssl-dev,libzstd-dev,zlib1g-dev
    mkdir -p "$folder/$sdk_root/usr/libexec"
    ln -sfn /cross/arm64/usr/libexec/swift "$folder/$sdk_root/usr/libexec/swift"
    ln -sfn ../libexec/swift/lib/swift_static "$folder/$sdk_root/usr/lib/swift_static"
fi
ln -sfn gawk "$folder/amd64/usr/bin/awk"
# The emulator looks for every file in this root first: devices and folders are those of the system.
rm -rf "$folder"/arm64/{dev,home,proc,root,run,sys,tmp,var/tmp}

inside=$folder/amd64
mkdir -p "$inside/cross" "$inside/src"
mount --bind "$folder" "$inside/cross"
mount --bind "$package" "$inside/src"
mount -o remount,bind,ro "$inside/src"
for system in proc dev dev/shm dev/pts; do mount --bind "/$system" "$inside/$system"; done
in_root() { chroot "$inside" /usr/bin/env -i PATH=/usr/libexec/swift/bin:/usr/bin HOME=/tmp TMPDIR=/tmp "$@"; }

# What the cross compiler finds the other architecture's libraries by.
sdk=$folder/sdk/$sdk_root.artifactbundle
mkdir -p "$sdk/arm64"
cat >"$sdk/info.json" <<END
{"schemaVersion": "1.0",
 "artifacts": {"$sdk_root": {"type": "swiftSDK", "version": "1", "variants": [{"path": "arm64"}]}}}
END
cat >"$sdk/arm64/swift-sdk.json" <<END
{"schemaVersion": "4.0",
 "targetTriples": {"aarch64-unknown-linux-gnu": {
    "sdkRootPath": "/cross/$sdk_root", "toolsetPaths": ["toolset.json"],
    "swiftResourcesPath": "/cross/arm64/usr/libexec/swift/lib/swift",
    "swiftStaticResourcesPath": "/cross/arm64/usr/libexec/swift/lib/swift_static"}}}
END
echo '{"schemaVersion": "1.0", "swiftCompiler": {"extraCLIOptions": ["-use-ld=lld"]}}' >"$sdk/arm64/toolset.json"
build() { # SCRATCH OPTIONS…
    in_root /bin/bash -c 'cd /src && exec swift build --swift-sdks-path /cross/sdk --swift-sdk "$@"' \
        build "$sdk_root" --scratch-path "$@" >"$folder/build.log" 2>&1 || { tail -n 40 "$folder/build.log" >&2; return 1; }
    # Options of other processors must not be heard of.
    ! grep -E 'not a recognized feature|unused during compilation' "$folder/build.log" >&2
}

if $programs; then
    step "libcurl of HTTP and TLS alone"
    "$package/Scripts/release/curl.sh" "$folder/curl" "$folder/$sdk_root"
    step "programs for a release"
    mkdir -p "$folder/programs"
    for product in clip clip-pull; do
        build /cross/static -c release --static-swift-stdlib --product $product -Xlinker -L/cross/curl/lib -Xlinker -l:libcurl.a \
            -Xlinker -l:libssl.a -Xlinker -l:libcrypto.a -Xlinker -l:libzstd.a -Xlinker -l:libz.a -Xlinker --as-needed -Xlinker -s
        cp "$folder/static/aarch64-unknown-linux-gnu/release/$product" "$folder/programs/"
    done
    cp "$folder/curl/VERSIONS" "$folder/programs/"
    step "in $folder/programs"
    exit 0
fi

# Programs start each other, and tests copy them: each becomes a script that holds its program and hands a copy of it, which
# lies beside the script and bears its name, to the emulator.
cp --update "$(command -v qemu-aarch64-static)" "$inside/usr/bin/"
libraries=/cross/arm64/usr/libexec/swift/lib/swift/linux:/cross/arm64/usr/lib/aarch64-linux-gnu
emulator="/usr/bin/qemu-aarch64-static -L /cross/arm64 -E LD_LIBRARY_PATH=$libraries"
wrap() { # FOLDER PROGRAM
    cat >"$1/programs/$2" <<END
#!/bin/bash
real=\${0%/*}/.$2
[[ -x \$real ]] || ln ${1/#$folder//cross}/$2 "\$real" 2>/dev/null || cp ${1/#$folder//cross}/$2 "\$real"
exec $emulator "\$real" "\$@"
END
    chmod +x "$1/programs/$2"
}
prepare() { # FOLDER
    rm -rf "$1/programs"
    mkdir "$1/programs"
    cp "$package/Models/clip-small.clip" "$1/programs/"
    for program in clip clip-pull; do wrap "$1" $program; done
}

if [[ -z $only ]]; then
    step "release build"
    build /cross/release -c release
    release=$folder/release/aarch64-unknown-linux-gnu/release
    prepare "$release"
    example() { # VARIABLES…
        in_root "$@" /bin/bash -c 'cd /src && exec "$0" classify Models/examples/cat.jpg --labels "cat,house,car" --quiet' \
            "${release/#$folder//cross}/programs/clip"
    }
    step "the README's first example, on ARMv8.0 too, and verify"
    answer=$(example)
    echo "$answer"
    [[ $(example QEMU_CPU=cortex-a72) == "$answer" ]] || { echo "arm64: another answer on a Cortex-A72" >&2; exit 1; }
    for instruction_set in baseline dotprod i8mm; do
        in_root CLIP_ISA=$instruction_set /bin/bash -c 'cd /src && exec "$0" verify' \
            "${release/#$folder//cross}/programs/clip" >"$folder/verify.log" || { cat "$folder/verify.log" >&2; exit 1; }
        echo "verify: $instruction_set: $(grep -c '"passes":true' "$folder/verify.log") probes pass"
    done
    ! $quick || { step "the quick part holds"; exit 0; }
fi

step "tests, build"
build /cross/debug --build-tests
debug=$folder/debug/aarch64-unknown-linux-gnu/debug
prepare "$debug"
# What an emulator can't show: it takes memory and threads of its own, so that limits end it and not the program, says a word of its
# own about a signal, is what /proc/self/exe leads to, and refuses the request (TCGETS2) by which the C library of today asks whether
# something is a terminal.
skipped=("Without a thread to be had the caller does the work" "Little address space is no hang and leaves nothing behind"
    "Memory does not grow with the number of inputs" "A length that no file has is refused" "Decoding and cold starts are measured on a picture"
    "What is done in batches is counted in batches")
options=(--testing-library swift-testing)
for test in "${skipped[@]}"; do options+=(--skip "$test"); done
failed=()
for target in "$package"/Tests/*Tests; do
    target=${target##*/}
    [[ -z $only || $target == "$only" ]] || continue
    step "$target"
    in_root CLIP_TEST_PROGRAMS="${debug/#$folder//cross}/programs" /bin/bash -c 'cd /src && exec timeout -k 10 3600 "$@"' run \
        $emulator "${debug/#$folder//cross}/clipPackageTests.xctest" "${options[@]}" --filter "^$target\\." \
        >"$folder/$target.log" 2>&1 || failed+=("$target")
    grep -h 'Test run with' "$folder/$target.log" || echo "no answer within an hour: see $folder/$target.log"
done
((${#failed[@]} == 0)) || { echo "arm64: failed: ${failed[*]}; their logs are in $folder" >&2; exit 1; }
step "all pass; not asked of an emulator: ${#skipped[@]} tests, which only a real machine can answer"

#!/usr/bin/env bash
# Compiles the CLIPPictures module, with the kernels below it, into a program of its own: for fuzzing and for timing.
#
#   Scripts/compile_images.sh PROGRAM [-sanitize=CHECKS] SOURCE…
set -euo pipefail
cd "$(dirname "$0")/.."
program=$1
shift
flags=(-wmo -swift-version 6 -package-name clip -parse-as-library)
if [[ $1 == -sanitize=* ]]; then
    flags+=("$1")
    shift
fi

work=$program.modules
mkdir -p "$work"
flags+=(-I "$work")
for module in CLIPKernels CLIPKernelsBaseline CLIPKernelsAVX2 CLIPSystem CLIPThreads; do
    # As in Package.swift.
    settings=(-O)
    if [[ $module == CLIPKernels* ]]; then settings=(-Ounchecked -enable-experimental-feature BuiltinModule); fi
    if [[ $module == CLIPKernelsAVX2 && $(uname -m) == x86_64 ]]; then
        settings+=(-Xcc -mavx2 -Xcc -mfma -Xcc -mf16c)
    fi
    mapfile -t sources < <(find Sources/*/"$module" -name '*.swift' | sort)
    swiftc "${flags[@]}" "${settings[@]}" -module-name "$module" -emit-module -emit-module-path \
        "$work/$module.swiftmodule" -emit-object "${sources[@]}" -o "$work/$module.o"
done
mapfile -t sources < <(find Sources/Formats/CLIPPictures -name '*.swift' | sort)
swiftc "${flags[@]}" -O "${sources[@]}" "$@" "$work"/*.o -o "$program"

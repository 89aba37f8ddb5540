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
avx2=(-mavx2 -mfma -mf16c) avx512=(-mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
for module in CLIPSystem CLIPKernels CLIPKernelsBaseline CLIPKernelsAVX2 CLIPKernelsAVX512 CLIPKernelsAVX512VNNI CLIPInstructionSets \
    CLIPThreads; do
    # As in Package.swift.
    settings=(-O)
    if [[ $module == CLIPKernels* ]]; then settings=(-Ounchecked -enable-experimental-feature BuiltinModule); fi
    extensions=()
    case $(uname -m)/$module in
        x86_64/CLIPKernelsAVX2) extensions=("${avx2[@]}") ;;
        x86_64/CLIPKernelsAVX512) extensions=("${avx2[@]}" "${avx512[@]}") ;;
        x86_64/CLIPKernelsAVX512VNNI) extensions=("${avx2[@]}" "${avx512[@]}" -mavx512vnni) ;;
    esac
    for extension in "${extensions[@]}"; do settings+=(-Xcc "$extension"); done
    mapfile -t sources < <(find Sources/*/"$module" -name '*.swift' | sort)
    swiftc "${flags[@]}" "${settings[@]}" -module-name "$module" -emit-module -emit-module-path \
        "$work/$module.swiftmodule" -emit-object "${sources[@]}" -o "$work/$module.o"
done
mapfile -t sources < <(find Sources/Formats/CLIPPictures -name '*.swift' | sort)
swiftc "${flags[@]}" -O "${sources[@]}" "$@" "$work"/*.o -o "$program"

#!/usr/bin/env bash
# Compiles a program against the module CLIPPictures alone, which Package.swift says how to build: for fuzzing and for timing.
#
#   Scripts/pictures/compile.sh PROGRAM [-sanitize=CHECKS] SOURCE…
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$1
shift
build=(swift build -c release --scratch-path "$program.build" --target CLIPPictures)
compile=(swiftc -O -swift-version 6 -parse-as-library -I "$program.build/release/Modules")
if [[ $1 == -sanitize=* ]]; then
    build+=(-Xswiftc "$1")
    compile+=("$1")
    shift
fi

"${build[@]}" >&2
# What is `package` is seen by what is compiled under the package's name.
package=$(sed -n 's/.*"-package-name","\([^"]*\)".*/\1/p' "$program.build/release.yaml" | head -n 1)
mapfile -t objects < <(find -L "$program.build/release" -path '*.build/*.o')
"${compile[@]}" -package-name "$package" "$@" "${objects[@]}" -o "$program"

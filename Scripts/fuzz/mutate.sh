#!/usr/bin/env bash
# Decodes 200,000 damaged pictures in an optimised build and reports signals and whatever takes over two seconds.
#
#   Scripts/fuzz/mutate.sh [COUNT [DIR…]]
#
# Begins with the fixtures of the tests and with the files below each DIR.
set -euo pipefail
cd "$(dirname "$0")/../.."
count=${1:-200000}
shift || true

program=.build/mutations
sources=(Tests/CLIPTestSupport/SeededGenerator.swift Scripts/fuzz/Mutations.swift)
if [[ ! -x $program || -n $(find Sources/Formats/CLIPPictures Sources/Compute Sources/System "${sources[@]}" -name '*.swift' -newer "$program" -print -quit) ]]; then
    mkdir -p .build
    Scripts/pictures/compile.sh "$program" "${sources[@]}"
fi

mapfile -t files < <(find Tests/CLIPPicturesTests/Fixtures "$@" -type f -size -64k ! -name '*.txt' ! -name '*.md' | sort)
# In portions, so that one that dies tells where.
portion=10000 signals=0
for ((first = 0; first < count; first += portion)); do
    "$program" "$first" "$((first + portion > count ? count - first : portion))" "${files[@]}" || {
        echo "mutations from $first on: status $?"
        signals=$((signals + 1))
    }
done
echo "$count mutations of ${#files[@]} files, $signals portions ended by a signal or an error"
[[ $signals == 0 ]]

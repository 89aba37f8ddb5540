#!/usr/bin/env bash
# Checks that no AVX instruction lands outside CLIPKernelsAVX2, CLIPKernelsAVX512 and CLIPKernelsAVX512VNNI in a build, so that the
# command starts on every x86-64 machine:
#   1. no other module's object code holds a VEX or EVEX instruction;
#   2. no function that those modules share with others by name (the linker keeps one copy, maybe theirs) holds one;
#   3. no function that the AVX-512 modules share with CLIPKernelsAVX2 by name holds an AVX-512 instruction;
#   4. no VNNI instruction is outside CLIPKernelsAVX512VNNI, nor in a function that it shares with the other two by name.
#
#   Scripts/structure/check_isa_leaks.sh [.build/release]
#
# Names each function at fault and exits 1. Needs objdump and nm, GNU's or LLVM's.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.."

products=${1:-.build/release}
allowed='^(CLIPKernelsAVX2|CLIPKernelsAVX512|CLIPKernelsAVX512VNNI)$'

if [[ $(uname -m) != x86_64 ]]; then
    echo "check_isa_leaks: nothing to check on $(uname -m)"
    exit 0
fi
objdump=$(command -v objdump || command -v llvm-objdump) || { echo "check_isa_leaks: objdump not found" >&2; exit 2; }
nm=$(command -v nm || command -v llvm-nm) || { echo "check_isa_leaks: nm not found" >&2; exit 2; }
[[ -d $products ]] || { echo "check_isa_leaks: $products not found, build first" >&2; exit 2; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The names of the functions of an object that hold a VEX or EVEX instruction. VEX mnemonics start with v, except a few
# of BMI; no other instruction that a compiler emits does.
functions_with_avx() {
    "$objdump" -d --no-show-raw-insn "$1" | awk '
        /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/^<|>:$/, "", name); next }
        $2 ~ /^v[a-z]/ && $2 !~ /^ver[rw]$/ || /%[yz]mm/ ||
        $2 ~ /^(andn|bextr|blsi|blsmsk|blsr|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx)[lq]?$/ { print name }' | sort -u
}

# The same for what AVX-512 adds: its registers.
functions_with_avx512() {
    "$objdump" -d --no-show-raw-insn "$1" | awk '
        /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/^<|>:$/, "", name); next }
        /%zmm|%k[0-7]|%[xy]mm(1[6-9]|2[0-9]|3[01])/ { print name }' | sort -u
}

# The same for VNNI.
functions_with_vnni() {
    "$objdump" -d --no-show-raw-insn "$1" | awk '
        /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/^<|>:$/, "", name); next }
        $2 ~ /^vpdp/ { print name }' | sort -u
}

: >"$scratch/vnni" && : >"$scratch/withoutVNNI"
: >"$scratch/avx512" && : >"$scratch/inAVX2" && : >"$scratch/leaks" && : >"$scratch/avx" && : >"$scratch/shareable" && : >"$scratch/elsewhere"
modules=0
own=0
for directory in "$products"/*.build; do
    [[ -d $directory ]] || continue
    module=$(basename "$directory" .build)
    mapfile -t objects < <(find "$directory" -name '*.o')
    ((${#objects[@]})) || continue
    modules=$((modules + 1))
    for object in "${objects[@]}"; do
        functions_with_avx "$object" >"$scratch/found"
        if [[ $module =~ $allowed ]]; then
            own=$((own + $(wc -l <"$scratch/found")))
            cat "$scratch/found" >>"$scratch/avx"
            "$nm" "$object" | awk '$2 == "W" || $2 == "V" { print $3 }' >>"$scratch/shareable"
            if [[ $module == CLIPKernelsAVX512VNNI ]]; then
                functions_with_vnni "$object" >>"$scratch/vnni"
            else
                functions_with_vnni "$object" | sed "s/^/$module (VNNI) /" >>"$scratch/leaks"
                "$nm" "$object" | awk 'NF > 1 { print $NF }' >>"$scratch/withoutVNNI"
            fi
            if [[ $module == CLIPKernelsAVX2 ]]; then
                "$nm" "$object" | awk 'NF > 1 { print $NF }' >>"$scratch/inAVX2"
            else
                functions_with_avx512 "$object" >>"$scratch/avx512"
            fi
        else
            sed "s/^/$module /" "$scratch/found" >>"$scratch/leaks"
            "$nm" "$object" | awk -v module="$module" 'NF > 1 { print $NF, module }' >>"$scratch/elsewhere"
        fi
    done
done
((modules)) || { echo "check_isa_leaks: no object code under $products, build first" >&2; exit 2; }
((own)) || { echo "check_isa_leaks: the AVX modules hold no AVX code: the check would be blind" >&2; exit 2; }
[[ -s $scratch/vnni ]] || { echo "check_isa_leaks: CLIPKernelsAVX512VNNI holds no VNNI code: the check would be blind" >&2; exit 2; }

sort -u "$scratch/avx" -o "$scratch/avx"
sort -u "$scratch/shareable" -o "$scratch/shareable"
comm -12 "$scratch/avx" "$scratch/shareable" | sort -k1,1 >"$scratch/shared"
sort -u -k1,1 -k2,2 "$scratch/elsewhere" | join - "$scratch/shared" | awk '{ print $2 " (through a shared symbol)", $1 }' \
    >>"$scratch/leaks"
sort -u "$scratch/avx512" | comm -12 - "$scratch/shareable" | comm -12 - <(sort -u "$scratch/inAVX2") |
    sed 's/^/CLIPKernelsAVX2 (through a symbol shared with CLIPKernelsAVX512) /' >>"$scratch/leaks"
sort -u "$scratch/vnni" | comm -12 - "$scratch/shareable" | comm -12 - <(sort -u "$scratch/withoutVNNI") |
    sed 's/^/CLIPKernelsAVX512 (through a symbol shared with CLIPKernelsAVX512VNNI) /' >>"$scratch/leaks"

if [[ -s $scratch/leaks ]]; then
    echo "check_isa_leaks: instructions outside the modules made for them:" >&2
    (swift demangle --simplified <"$scratch/leaks" 2>/dev/null || cat "$scratch/leaks") | sed 's/^/  /' >&2
    exit 1
fi
echo "check_isa_leaks: $modules modules, $own functions of AVX code in modules made for it, none elsewhere"

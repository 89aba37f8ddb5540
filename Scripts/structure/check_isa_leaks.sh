#!/usr/bin/env bash
# Checks that no AVX instruction lands outside the modules that are compiled for it, so that the command starts on every x86-64
# machine: no function of another module holds one, nor does a function that shares its name with one of such a module (the linker
# keeps one copy, maybe the wrong one). The same of AVX-512's instructions and of both kinds of VNNI's among these modules.
#
#   Scripts/structure/check_isa_leaks.sh [.build/release]
#
# Names each function at fault and exits 1. Needs objdump and nm, GNU's or LLVM's.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.."

products=${1:-.build/release}
# The modules that may hold instructions of a kind. VNNI's stand twice: a processor with the one encoding may lack the other.
declare -A owners=(
    [avx]="CLIPKernelsAVX2 CLIPKernelsAVXVNNI CLIPKernelsAVX512 CLIPKernelsAVX512VNNI"
    [avx512]="CLIPKernelsAVX512 CLIPKernelsAVX512VNNI"
    [vnni]="CLIPKernelsAVX512VNNI"
    [vexvnni]="CLIPKernelsAVXVNNI"
)

if [[ $(uname -m) != x86_64 ]]; then
    echo "check_isa_leaks: nothing to check on $(uname -m)"
    exit 0
fi
objdump=$(command -v objdump || command -v llvm-objdump) || { echo "check_isa_leaks: objdump not found" >&2; exit 2; }
nm=$(command -v nm || command -v llvm-nm) || { echo "check_isa_leaks: nm not found" >&2; exit 2; }
[[ -d $products ]] || { echo "check_isa_leaks: $products not found, build first" >&2; exit 2; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Adds each function of an object that holds instructions of a kind to PREFIX.KIND. VEX and EVEX mnemonics start with v, except
# a few of BMI; no other instruction that a compiler emits does. AVX-512 shows by its registers. VNNI's instructions have a word
# in curly braces where they are in VEX's encoding, which an assembler would not choose by itself.
sort_functions() { # OBJECT PREFIX
    "$objdump" -d --no-show-raw-insn "$1" | awk -v prefix="$2" '
        /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/^<|>:$/, "", name); next }
        /%zmm|%k[0-7]|%[xy]mm(1[6-9]|2[0-9]|3[01])/ { print name >> (prefix ".avx512") }
        /[ \t]vpdp/ { print name >> (prefix (/\{vex\}/ ? ".vexvnni" : ".vnni")) }
        $2 ~ /^v[a-z]/ && $2 !~ /^ver[rw]$/ || /%[yz]mm|\{e?vex\}/ ||
        $2 ~ /^(andn|bextr|blsi|blsmsk|blsr|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx)[lq]?$/ { print name >> (prefix ".avx") }'
}

modules=()
for directory in "$products"/*.build; do
    [[ -d $directory ]] || continue
    mapfile -t objects < <(find "$directory" -name '*.o')
    ((${#objects[@]})) || continue
    module=$(basename "$directory" .build)
    modules+=("$module")
    for object in "${objects[@]}"; do
        sort_functions "$object" "$scratch/$module"
        "$nm" "$object" | awk -v prefix="$scratch/$module" '
            NF > 1 { print $NF >> (prefix ".names") }
            $2 == "W" || $2 == "V" { print $3 >> (prefix ".shareable") }'
    done
    for list in names shareable "${!owners[@]}"; do
        touch "$scratch/$module.$list"
        sort -u "$scratch/$module.$list" -o "$scratch/$module.$list"
    done
done
((${#modules[@]})) || { echo "check_isa_leaks: no object code under $products, build first" >&2; exit 2; }

for kind in "${!owners[@]}"; do
    for owner in ${owners[$kind]}; do
        [[ -s $scratch/$owner.$kind ]] || {
            echo "check_isa_leaks: $owner holds no instruction of the kind $kind: the check would be blind" >&2
            exit 2
        }
    done
    for module in "${modules[@]}"; do
        [[ " ${owners[$kind]} " != *" $module "* ]] || continue
        sed "s/^/$module ($kind) /" "$scratch/$module.$kind"
        for owner in ${owners[$kind]}; do
            comm -12 "$scratch/$owner.$kind" "$scratch/$owner.shareable" | comm -12 - "$scratch/$module.names" |
                sed "s/^/$module ($kind, through a symbol shared with $owner) /"
        done
    done
done >"$scratch/leaks"

if [[ -s $scratch/leaks ]]; then
    echo "check_isa_leaks: instructions outside the modules made for them:" >&2
    (swift demangle --simplified <"$scratch/leaks" 2>/dev/null || cat "$scratch/leaks") | sed 's/^/  /' >&2
    exit 1
fi
for owner in ${owners[avx]}; do cat "$scratch/$owner.avx"; done >"$scratch/own"
echo "check_isa_leaks: ${#modules[@]} modules, $(wc -l <"$scratch/own") functions of AVX code in modules made for it, none elsewhere"

#!/usr/bin/env bash
# Runs the tests with a sanitizer of the compiler, in a build of its own.
#
#   Scripts/checks/sanitize.sh [address|thread …] [--only TARGET | -- OPTIONS OF SWIFT TEST…]
#
# Without a name both, one after the other. What a sanitizer finds ends the tests; its report and the tests' answer are in
# .build/address/log and .build/thread/log. OPTIONS such as --filter CLIPThreadsTests narrow what is run; --only builds no more than that one target of
# tests and what it depends on. Exit status 1 if anything is found.
set -euo pipefail
cd "$(dirname "$0")/../.."

sanitizers=()
only=''
while (($# > 0)) && [[ $1 != -- ]]; do
    if [[ $1 == --only ]]; then
        only=${2:?--only: of which target?}
        shift 2
        continue
    fi
    [[ $1 == address || $1 == thread ]] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 64; }
    sanitizers+=("$1")
    shift
done
(($# == 0)) || shift
((${#sanitizers[@]} > 0)) || sanitizers=(address thread)

# Tests start programs, which take these along: what is found in them counts too. None of those hundreds sleeps a second at its end.
export ASAN_OPTIONS=abort_on_error=1:detect_leaks=0:allocator_may_return_null=1
export TSAN_OPTIONS=halt_on_error=1:atexit_sleep_ms=0:second_deadlock_stack=1:suppressions=$PWD/Scripts/checks/thread.supp

# What a sanitizer can't show: it maps terabytes, beyond what limits of address space leave (tests set some, and so does every helper
# that decodes by the system's libraries), takes memory of its own, and looks into /proc.
skipped=("A large file that is no picture takes no memory"
    "What the system decodes is embedded, and the rest is named with what installs it" "Damaged ones cost themselves alone"
    "An index keeps pictures while their decoder is away"
    "What lacked its decoder is tried again when that has come, whatever it is called"
    "Memory does not grow with the number of inputs" "Arguments come without proc, whatever their bytes"
    "Without proc a pull is refused in a line")
# The thread sanitizer begins with a file of its own, and gets a signal where files may not grow; what is no fault it knows by names, which
# few descriptors keep it from learning.
skipped_thread=("Few descriptors are an answer or an error" "A file that may not grow leaves what stood there" "A model that doesn't fit is not packed"
    "A model that doesn't fit is not exported, and leaves nothing" "A full disk is a clear error and leaves what was there")

# One target's tests as a program of their own, beside whose objects stands the main function that SwiftPM writes.
one_target() { # SANITIZER
    local folder=.build/$1
    swift build --sanitize="$1" --scratch-path "$folder" --target "$only" || return 1
    printf 'import Testing\n@main struct Runner { static func main() async { await Testing.__swiftPMEntryPoint() as Never } }\n' >"$folder/runner.swift"
    mapfile -t objects < <(find -L "$folder/debug" -path '*.build/*.o' \( ! -path '*Tests.build/*' -o -path "*/$only.build/*" \))
    swiftc -sanitize="$1" -parse-as-library -swift-version 6 "$folder/runner.swift" "${objects[@]}" -o "$folder/$only" && "$folder/$only"
}
failed=0
for sanitizer in "${sanitizers[@]}"; do
    log=.build/$sanitizer/log
    mkdir -p ".build/$sanitizer"
    echo "== $sanitizer: build and tests, $log"
    tests=("${skipped[@]}")
    [[ $sanitizer != thread ]] || tests+=("${skipped_thread[@]}")
    skips=()
    for test in "${tests[@]}"; do skips+=(--skip "$test"); done
    run=(swift test --sanitize="$sanitizer" --scratch-path ".build/$sanitizer" "${skips[@]}" "$@")
    [[ -z $only ]] || run=(one_target "$sanitizer")
    if "${run[@]}" >"$log" 2>&1; then
        grep -h 'Test run with' "$log" | tail -n 1
    else
        failed=1
        grep -hE 'ERROR: AddressSanitizer|WARNING: ThreadSanitizer|SUMMARY|✘|error:' "$log" | head -n 20 >&2 || tail -n 20 "$log" >&2
    fi
done
exit $failed

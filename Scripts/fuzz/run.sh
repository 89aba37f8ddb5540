#!/usr/bin/env bash
# Fuzzes every picture decoder, and the readers of archives, with libFuzzer and the address sanitizer, one after the other.
#
#   Scripts/fuzz/run.sh [--minutes M | --seconds S] [--seeds DIR] [FORMAT…]
#   Scripts/fuzz/run.sh --distill [FORMAT…]
#
# Each decoder gets M minutes or S seconds of processor time (default 3 minutes), beginning with the fixtures of the tests, with
# Scripts/fuzz/seeds/FORMAT.zip and with the files below DIR, if given. What was found stays in .build/fuzz: the corpus
# grows from run to run. Crashes, inputs that take over two seconds and leaks are saved as .build/fuzz/FORMAT/crash-*;
# the last lines are a table, the exit status is 1 if there are any. A crash is run again with
# .build/fuzz/fuzz-FORMAT FILE. --distill writes the seeds anew: the fewest small inputs that reach what the corpus does.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=180 seeds=() distill=
while [[ ${1:-} == --* ]]; do
    case $1 in
        --minutes) seconds=$(($2 * 60)); shift ;;
        --seconds) seconds=$2; shift ;;
        --seeds) seeds+=("$2"); shift ;;
        --distill) distill=1 ;;
        *) sed -n '2,16s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
    shift
done
known=(png jpeg netpbm bmp gif qoi webp raw tiff ico tga archive)
for format in "$@"; do
    [[ " ${known[*]} " == *" $format "* ]] || {
        echo "fuzz/run.sh: no decoder '$format', expected some of: ${known[*]}" >&2
        exit 64
    }
done
formats=("$@")
[[ $# -gt 0 ]] || formats=("${known[@]}")

work=.build/fuzz
mkdir -p "$work"
if [[ ! -x $work/fuzz || -n $(find Sources/Formats/CLIPPictures Sources/Compute Sources/System Scripts/fuzz -name '*.swift' -newer "$work/fuzz" -print -quit) ]]; then
    # Checks stay on, as in the module itself: a trap is a crash.
    Scripts/pictures/compile.sh "$work/fuzz" -sanitize=fuzzer,address Scripts/fuzz/FuzzTarget.swift 2>&1 |
        grep -v 'Cannot export local symbol' || true
fi

# The fewest small inputs that reach all that the corpus reaches, in place of the seeds.
if [[ -n $distill ]]; then
    mkdir -p Scripts/fuzz/seeds
    for format in "${formats[@]}"; do
        ln -f "$work/fuzz" "$work/fuzz-$format"
        rm -rf "$work/$format/small" "$work/$format/seeds"
        mkdir -p "$work/$format/small" "$work/$format/seeds"
        find "$work/$format/corpus" -type f -size -900c -exec cp -t "$work/$format/small" {} +
        "$work/fuzz-$format" -merge=1 "$work/$format/seeds" "$work/$format/small" > "$work/$format/log" 2>&1
        rm -f "Scripts/fuzz/seeds/$format.zip"
        # A name takes more room than some seeds.
        (cd "$work/$format/seeds" && n=0 && for seed in *; do mv "$seed" "s$((n++))"; done &&
            python3 -m zipfile -c "$OLDPWD/Scripts/fuzz/seeds/$format.zip" *)
        echo "$format: $(find "$work/$format/seeds" -type f | wc -l) seeds, $(stat -c %s "Scripts/fuzz/seeds/$format.zip") bytes"
    done
    exit 0
fi

failed=0
table=$(printf '%-7s %10s %8s %8s %8s' format inputs corpus seconds crashes)
for format in "${formats[@]}"; do
    program=$work/fuzz-$format corpus=$work/$format/corpus
    ln -f "$work/fuzz" "$program"
    rm -rf "$work/$format/seeds"
    mkdir -p "$corpus" "$work/$format/seeds"
    [[ ! -f Scripts/fuzz/seeds/$format.zip ]] || python3 -m zipfile -e "Scripts/fuzz/seeds/$format.zip" "$work/$format/seeds"
    # libFuzzer leaves out what the decoder does not recognise, so that all seeds may be given to all.
    find Tests/CLIPPicturesTests/Fixtures "$work/$format/seeds" "${seeds[@]}" -type f -size -64k | paste -sd, > "$work/$format/list"
    # Its clock is the wall's: on a busy machine it takes several runs to get the time.
    spent=0 inputs=0 status=0
    while ((spent < seconds && status == 0)); do
        TIMEFORMAT=%U
        used=$({ time "$program" "$corpus" -seed_inputs=@"$work/$format/list" -artifact_prefix="$work/$format/" \
            -max_total_time=$((seconds - spent)) -max_len=65536 -timeout=3600 -rss_limit_mb=2048 \
            -malloc_limit_mb=512 -report_slow_units=3600 -print_final_stats=1 > "$work/$format/log" 2>&1; } 2>&1) || status=1
        spent=$((spent + ${used%.*} + 1))
        inputs=$((inputs + $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$format/log" || echo 0)))
    done
    failed=$((failed | status))
    crashes=$(find "$work/$format" -maxdepth 1 \( -name 'crash-*' -o -name 'timeout-*' -o -name 'oom-*' -o -name 'leak-*' \) | wc -l)
    table+=$'\n'$(printf '%-7s %10s %8s %8s %8s' "$format" "$inputs" "$(find "$corpus" -type f | wc -l)" "$spent" "$crashes")
done
echo "$table"
exit $failed

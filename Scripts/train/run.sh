#!/usr/bin/env bash
# The whole recipe of the embedded model: environment, packages, picture bank, features, training, export, evaluation.
#
#   Scripts/train/run.sh [CACHE] [option of train.py …]
#
# CACHE defaults to Scripts/train/.cache. Run it again to go on where it stopped: what is there is not made again, so
# begin another recipe in another folder. It needs Debian 12's
# apt-get, dpkg-deb and Python 3.11 with venv, 10 GB of disk and 6 GB of memory.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$here/.cache
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
    cache=$1
    shift
fi
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
# One thread each and no chance in the order of sets: sums are rounded and words drawn as they were.
export PYTHONHASHSEED=0 OMP_NUM_THREADS=1 RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false

python=$cache/venv/bin/python
if [ ! -e "$cache/venv/complete" ]; then
    python3 -m venv "$cache/venv"
    "$python" -m pip install --quiet "torch==2.13.0+cpu" 2>/dev/null || "$python" -m pip install --quiet torch==2.13.0
    "$python" -m pip install --quiet -r "$here/requirements.txt"
    touch "$cache/venv/complete"
fi
PYTHON=$python "$here/fetch.sh" "$cache/packages"
[ -f "$cache/bank/meta.json" ] || "$python" "$here/build_data.py" --packages "$cache/packages" --cache "$cache/bank"
"$python" "$here/features.py" --packages "$cache/packages" --cache "$cache/bank" --out "$cache/features"
train() { # OUT [option …]: goes on where OUT was left
    local out=$1
    shift
    [ -f "$out/final.pt" ] || "$python" "$here/train.py" --packages "$cache/packages" --cache "$cache/bank" --features "$cache/features" --out "$out" --resume "$@"
}
# One training up to where the rates begin to fall, then two endings side by side, whose weights are averaged.
if [ ! -d "$cache/apart" ]; then
    train "$cache/run" --trunk "$@"
    rm -rf "$cache/apart.part"
    cp -r "$cache/run" "$cache/apart.part"
    mv "$cache/apart.part" "$cache/apart"
fi
train "$cache/apart" --apart 0.75 "$@" &
train "$cache/run" "$@"
wait $!
"$python" "$here/export.py" "$cache/run/final.pt" "$cache/apart/final.pt" "$cache/export" --packages "$cache/packages" --features "$cache/features" --card "$here/model_card.json"
"$python" "$here/evaluate.py" "$cache/export" --cache "$cache/bank" --out "$cache/evaluation" --folder "$here/../../Models/examples"
echo "next: clip pack $cache/export -o Models/clip-small.clip --dtype f16"

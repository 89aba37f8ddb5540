#!/usr/bin/env bash
# Makes Scripts/.venv with the pinned references (transformers, open_clip, Pillow) and, with --peers, the engines that
# the benchmarks compare with (ONNX Runtime, OpenVINO). Nothing at build or run time of the package needs any of it.
#
#   Scripts/setup_venv.sh [--peers]
set -euo pipefail
cd "$(dirname "$0")"

torch=2.13.0
python3 -m venv .venv
pip=(.venv/bin/python -m pip install --quiet)
"${pip[@]}" "torch==$torch+cpu" 2>/dev/null || "${pip[@]}" "torch==$torch"
"${pip[@]}" "torch==$torch" -r requirements-oracle.txt
# Without what it would fetch for data sets.
"${pip[@]}" --no-deps clip-benchmark==1.6.2
case "${1:-}" in
--peers) "${pip[@]}" "torch==$torch" -r requirements-peers.txt ;;
"") ;;
*)
    echo "setup_venv.sh: unknown option $1, expected --peers" >&2
    exit 64
    ;;
esac
.venv/bin/python -c 'import torch, transformers; print("torch", torch.__version__, "transformers", transformers.__version__)'

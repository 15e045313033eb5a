#!/usr/bin/env bash
# The whole way on the embedded dataset: data, proposals, weights, training
# and test of the baseline and of OHEM, report. Each step is skipped where its
# result is there; an interrupted training goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

DATA=data/demo
OUT=work_dirs/demo
start=$SECONDS

step() { printf '\n[%4d s] %s\n' "$((SECONDS - start))" "$1"; }

step 'dataset'
python tools/make_demo_dataset.py --out "$DATA"
for split in train test; do
  step "proposals of $split"
  python tools/proposals.py make "$DATA/ImageSets/Main/$split.txt" \
    --img-dir "$DATA/JPEGImages" --out "$DATA/proposals/$split.safetensors" \
    --width 256 --workers "$(nproc)"
done
step 'weights'
python tools/make_demo_weights.py --out "$DATA/vgg16_digits.pth"

# last_checkpoint DIR: the last whole one, or nothing.
last_checkpoint() {
  python -c '
import sys
from contextlib import redirect_stdout
from pathlib import Path
from mmdet_ohem.runs import WorkDir
with redirect_stdout(sys.stderr):  # a torn one is named in a warning
    last = WorkDir(Path(sys.argv[1])).last_checkpoint()
print(last or "")
' "$1"
}

# run NAME CONFIG: train and test, unless done.
run() {
  local dir="$OUT/$1" config="configs/$2" resume=() last
  if [ -f "$dir/test/detections.pkl" ]; then return; fi
  last=$(last_checkpoint "$dir")
  # It goes on also where the checkpoint it ended with is torn.
  if [ -z "$last" ] || [ "$(cat "$dir/trained" 2>/dev/null)" != "$last" ]; then
    step "training $1"
    if [ -n "$last" ]; then resume=(--resume "$last"); fi
    mim train mmdet "$config" --gpus 0 --work-dir "$dir" ${resume[@]+"${resume[@]}"}
    last=$(last_checkpoint "$dir")
    echo "$last" > "$dir/trained"
  fi
  step "testing $1"
  mim test mmdet "$config" --checkpoint "$last" \
    --gpus 0 --work-dir "$dir/test" --out "$dir/test/detections.partial.pkl"
  mv "$dir/test/detections.partial.pkl" "$dir/test/detections.pkl"
}
run baseline fast_rcnn_vgg16_demo.py
run ohem fast_rcnn_vgg16_ohem_demo.py

step 'report'
python tools/report.py "$OUT/baseline" "$OUT/ohem" --detections 6 \
  --out "$OUT/report.html"
step 'done'

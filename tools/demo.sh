#!/usr/bin/env bash
# The whole way on the embedded dataset: data, proposals, weights, features,
# baseline and OHEM trained and tested with three seeds each, a report. Each
# step is skipped where its result is there; an interrupted training goes on.
set -euo pipefail
cd "$(dirname "$0")/.."

DATA=data/demo
OUT=work_dirs/demo
SEEDS=3
# A run for each core, with one thread: two of two threads spin on two cores.
JOBS=$(nproc)
if [ "$JOBS" -gt 6 ]; then JOBS=6; fi
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
step 'weights: a narrow VGG16 learns digits'
python tools/make_demo_weights.py --out "$DATA/vgg16_digits.pth"
step 'features of all images'
python tools/cache_features.py configs/fast_rcnn_vgg16_demo.py

step "training and testing baseline and OHEM, $SEEDS seeds each"
OMP_NUM_THREADS=1 python tools/run_table.py --table 1 --data demo \
  --rows 2,13 --seeds "$SEEDS" --gpus 0 --jobs "$JOBS" --work-dir "$OUT"

RUNS=$OUT/demo
OHEM=$RUNS/fast_rcnn_vgg16_ohem_voc07/seed0
step 'pictures of what is mined'
rm -rf "$OUT/sheets"
python tools/browse_hard_examples.py "$OHEM/config.py" \
  --checkpoints "$OHEM/iter_250.pth" "$OHEM/iter_1500.pth" \
  --num 3 --out "$OUT/sheets"

step 'report'
python tools/report.py "$RUNS"/fast_rcnn_vgg16_voc07/seed? \
  "$RUNS"/fast_rcnn_vgg16_ohem_voc07/seed? \
  --detections 6 --false-positives --sheets "$OUT/sheets" \
  --out "$OUT/report.html"
step 'done'

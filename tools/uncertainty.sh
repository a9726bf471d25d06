#!/bin/sh
# Make everything about uncertainty again that depends on models/model.pt: the head, its figures, the picture.
#
#     sh tools/uncertainty.sh OPEN HELD_OUT [FOLDER]
#
# OPEN: patients that shipped weights may be trained on. HELD_OUT: other patients, with their split.json, to measure on.
# FOLDER: where the run is kept, from the repository on. Defaults to bundle/runs/uncertainty; it must not hold an earlier one.
set -eu
[ $# -ge 2 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2; }
open=$(cd "$1" && pwd)
held_out=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."
configs=bundle/configs
run="${PYTHON:-python} -m monai.bundle run"
out=${3:-bundle/runs/uncertainty}

$run training --config_file "['$configs/train.json','$configs/crops.json','$configs/uncertainty.json']" \
    --dataset_dir "$open" --output_dir "$out"
$run --config_file "['$configs/evaluate.json','research/configs/reliability.json']" \
    --dataset_dir "$held_out" --split_file "$held_out/split.json" --output_dir "$out/reliability" \
    --document research/docs/uncertainty.md --figure research/docs/images/uncertainty.png

#!/usr/bin/env bash
# Usage: Benchmarks/fuzz.sh FOLDER [FORMAT...]
#
# Damages files of every format that the programs read, or of those named, and reads them: CASES (default 100000) files a
# format, of seed SEED (default 1). FOLDER holds the programs and format-fuzzer; they write what is damaged. Any crash,
# hang, excess of memory, or refusal that is not one line is printed, its file kept in FINDINGS (default /tmp), and makes
# this script fail.
set -euo pipefail
BIN=$(cd "${1:?usage: Benchmarks/fuzz.sh FOLDER [FORMAT...]}" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
PATH=$BIN:$PATH
export SWIFT_BACKTRACE=enable=no
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fixtures=$here/Tests/HLFormatsTests/Fixtures

# Streams: latents, views, images, embeddings, a joined one, and one with a seek table.
hl-sample -q -n 40 --batch 16 >latents.hls
hl-perturb -q latents.hls >pairs.hls
hl-sample -q -n 3 --size 16 --render >images.hls
hl-sample -q -n 8 --size 32 --render | hl-encode -q --untrained --width 4 >embedded.hls 2>/dev/null || rm -f embedded.hls
cat latents.hls latents.hls >joined.hls
hl-sample -q -n 40 --batch 8 -o table.hls
# Networks, as small as they can be.
hl-train -q --width 2 --batch 8 -n 8 -o encoder.safetensors pairs.hls
hl-train walker -q --chunks 2 --width 2 --batch 8 -n 8 -o walker.safetensors latents.hls
cp "$fixtures"/tensors/library.safetensors .
# What numpy.savez writes: files of arrays, stored.
python3 -c 'import sys, zipfile
with zipfile.ZipFile("arrays.npz", "w") as archive:
    for path in sys.argv[1:]:
        archive.write(path, path.rsplit("/", 1)[1])' "$fixtures"/tensors/{f4,f8,i8}.npy
python3 "$here"/examples/random_weights.py bigbigan --width 4 -o bigbigan.safetensors
# What an annotation of VOC has, and detections in both forms.
cat >annotation.xml <<'XML'
<?xml version="1.0"?>
<annotation><folder>VOC2007</folder><filename>000005.jpg</filename><!-- of 2007 -->
  <source><annotation>PASCAL VOC2007</annotation><image a="b">flickr &amp; &#65;</image></source>
  <object><name>chair</name><difficult>0</difficult><bndbox><xmin>263</xmin><ymin>211</ymin><xmax>324</xmax><ymax>339</ymax></bndbox>
    <part><name>head</name><bndbox><xmin>5</xmin></bndbox></part></object>
  <object><name><![CDATA[person]]></name><difficult>1</difficult><bndbox><xmax>244.5</xmax><xmin>165</xmin><ymin>264</ymin><ymax>372</ymax></bndbox></object>
</annotation>
XML
printf '000005 0.702732 89 112 516 466\n2008_000001 1e-3 1.5 2 30.6 40\n' >detections.txt
echo '[{"image_id": 5, "category_id": 3, "bbox": [1.5, 2, 30, 40], "score": 0.5}, {"image_id": "000005", "category_id": 0, "bbox": [0, 0, 1, 1], "score": 1}]' >detections.json
generators=("$here"/Tests/HLGeneratorsTests/Fixtures/{bigbigan_32,bigbigan_64}.safetensors)

declare -A seeds=(
    [weights]="${generators[*]} bigbigan.safetensors $(echo "$fixtures"/torch/*.p*)"
    [encoder]="encoder.safetensors $(echo "$fixtures"/torch/*.pt)"
    [walker]="walker.safetensors $(echo "$fixtures"/torch/*.pt)"
    [safetensors]="library.safetensors walker.safetensors"
    [npy]=$(echo "$fixtures"/tensors/*.npy)
    [npz]="arrays.npz"
    [stream]=$(echo ./*.hls "$fixtures"/tensors/foreign.hls)
    [png]=$(echo "$fixtures"/images/*.png)
    [jpeg]=$(echo "$fixtures"/images/*.jpg)
    [webp]=$(echo "$fixtures"/images/lossy*.webp "$fixtures"/images/lossless*.webp)
    [mat]=$(echo "$fixtures"/mat/*.mat)
    [tar]=$(echo "$fixtures"/tar/*.tar)
    [idx]=$(echo "$fixtures"/idx/{*-ubyte,*.gz,i32,f64})
    [cifar]=$(echo "$fixtures"/cifar/{data_batch_1,train}{,.bin} "$fixtures"/cifar/{python3,fortran})
    [cifar-names]=$(echo "$fixtures"/cifar/{meta,batches.meta})
    [lmdb]=$(echo "$fixtures"/lmdb/*.mdb)
    [annotation]="annotation.xml"
    [detections]="detections.txt detections.json"
)
failed=0
for format in "${@:2}"; do [[ -n ${seeds[$format]:-} ]] || { echo "fuzz.sh: unknown format $format" >&2; exit 64; }; done
(($# > 1)) || set -- "$1" stream safetensors npy npz png jpeg webp mat tar idx cifar cifar-names lmdb annotation detections weights encoder walker
for format in "${@:2}"; do
    # shellcheck disable=SC2086
    format-fuzzer "$format" --cases "${CASES:-100000}" --seed "${SEED:-1}" --keep "${FINDINGS:-/tmp}" ${seeds[$format]} ||
        failed=1
done
exit $failed

#!/usr/bin/env bash
# Packs device-check for a machine with a card and perhaps nothing else: the program with the Swift runtime in it, the
# libraries that it opens, the script that runs it, and PyTorch's side of the comparisons.
#
#     Benchmarks/pack_device_check.sh FOLDER [--bigbigan DIR] [--stylegan2 DIR] [--program FILE]
#
# There:
#
#     python3 FOLDER/device_check.py --out results
#
# The folder has 55 MB, limits of transfers being what they are. --bigbigan and --stylegan2 are checkouts of
# lukemelas/pytorch-pretrained-gans and NVlabs/stylegan2-ada-pytorch, of which a few files are packed: without them PyTorch
# has no generators to compare with. --program takes one that is built already. NVIDIA's libraries are those of the machine.
set -euo pipefail
most=60

fail() {
    echo "pack_device_check.sh: error: $*" >&2
    exit 64
}

(($# > 0)) && [[ $1 != --* ]] || fail "give a folder"
folder=$(realpath -m "$1") program='' bigbigan='' stylegan2=''
shift
while (($# > 0)); do
    (($# > 1)) || fail "$1 needs a value"
    case $1 in
        --program | --bigbigan | --stylegan2) declare "${1#--}=$(realpath "$2")" ;;
        *) fail "unknown option $1" ;;
    esac
    shift 2
done

if [[ -n $(ls -A "$folder" 2>/dev/null) && ! -e $folder/device_check.py ]]; then
    fail "$folder has other files: name a folder that is empty or not there"
fi
cd "$(dirname "$0")/.."

if [[ -z $program ]]; then
    # Of libraries only what every build needs: others are not there.
    HL_WITHOUT=onednn,jpeg,webp ${SWIFT:-swift} build -c release --static-swift-stdlib --product device-check \
        --scratch-path .build-device --manifest-cache none --disable-build-manifest-caching
    program=.build-device/release/device-check
fi
rm -rf "$folder"
mkdir -p "$folder/lib"
strip -o "$folder/device-check" "$program"

# What it is linked with, and what it opens by name with what that is linked with; the C library is the machine's.
blas=$(ldconfig -p | sed -n 's/.*libopenblas\.so\.0 .*=> //p' | head -n 1)
[[ -n $blas ]] || fail "there is no libopenblas.so.0"
cp -L "$blas" "$folder/lib/libopenblas.so.0"
{ ldd "$program"; ldd "$blas"; } | sed -n 's/^[[:space:]]*\([^ ]*\) => \(\/[^ ]*\).*/\1 \2/p' | sort -u |
    while read -r name path; do
        case $name in
            libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libgcc_s.so.* | libstdc++.so.*) ;;
            *) cp -L "$path" "$folder/lib/$name" ;;
        esac
    done

cp Benchmarks/{device_check,device_timings,turns,peer_device,reference_code,simsiam_step}.py \
    Benchmarks/{generators_reference,walker_reference,online_training_reference}.py examples/random_weights.py \
    Tests/HLEncodersTests/Fixtures/training.safetensors LICENSE "$folder"
# A package of Python out of a checkout.
pack_python() {
    local from=$1 to=$2 path
    shift 2
    (cd "$from" && find "$@" -type f \( -name '*.py' -o -name '*.cpp' -o -name '*.cu' -o -name '*.h' -o -name 'LICENSE*' \)) |
        while read -r path; do install -D -m 644 "$from/$path" "$to/$path"; done
}
if [[ -n $bigbigan ]]; then
    [[ -d $bigbigan/BigBiGAN ]] || bigbigan=$bigbigan/pytorch_pretrained_gans
    [[ -d $bigbigan/BigBiGAN ]] || fail "$bigbigan has no BigBiGAN"
    pack_python "$bigbigan" "$folder/reference/bigbigan" BigBiGAN
fi
if [[ -n $stylegan2 ]]; then
    [[ -d $stylegan2/torch_utils ]] || fail "$stylegan2 has no torch_utils"
    pack_python "$stylegan2" "$folder/reference/stylegan2" dnnlib torch_utils training metrics legacy.py
fi

size=$(du -sm "$folder" | cut -f 1)
glibc=$(find "$folder" \( -name device-check -o -name '*.so*' \) -exec objdump -T {} + |
    grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1)
echo "$folder: $size MB; the machine needs $glibc or newer"
((size <= most)) || fail "$folder has $size MB, more than $most"

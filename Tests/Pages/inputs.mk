# What the examples of the pages read, in small. for/PAGE is a folder with what stands behind the page below; what
# else its examples read, earlier ones of the page have made. SOURCES is the folder of the sources, the programs are
# on PATH. Sets of images, an EfficientNet and DINO's file are there: Inputs.swift has made them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DELETE_ON_ERROR:
export HL_RECORD := none

fixtures := $(SOURCES)/Tests
train := hl-train -q --width 4 --batch 8 -n 32
walker := hl-train walker -q --width 4 --batch 4 -n 8
shapes := hl-sample --size 32

# page(PAGE, INPUTS): FILE, or FILE:NAME where the page calls it otherwise. A folder's contents go into what is there.
define page
for/$(1): $(foreach input,$(2),$(firstword $(subst :, ,$(input))))
	mkdir -p $$@
	for input in $(2); do
		to=$$@/$$$${input#*:}
		from=$$$${input%:*}
		mkdir -p "$$$${to%/*}"
		if [[ -d $$$$from ]]; then mkdir -p "$$$$to"; cp -R "$$$$from/." "$$$$to"; else cp "$$$$from" "$$$$to"; fi
		if [[ -e $$$$from.run.json ]]; then cp "$$$$from.run.json" "$$$$to.run.json"; fi
	done
endef

$(eval $(call page,man/hl-ap.1,VOCdevkit detections:results coco_instances_results.json))
$(eval $(call page,man/hl-cuda.7,bigbigan.safetensors:BigBiGAN_x1.pth))
$(eval $(call page,man/hl-data.7,photographs:photos cifar100:data caltech101:data encoder.safetensors))
$(eval $(call page,man/hl-delta.1,w_COPGen_pretained.pth stylegan2.safetensors:stylegan2-car-config-f.pkl \
	all.safetensors later.safetensors views.hls cifar10:DIR small.safetensors:encoder.safetensors g.safetensors \
	g0.safetensors:w0.safetensors g1.safetensors:w1.safetensors))
$(eval $(call page,man/hl-encode.1,encoder.safetensors test.hls photographs:photos resnet50.pth \
	efficientnet-lite0.pth checkpoint.pth))
$(eval $(call page,man/hl-exec.7,exec_generator.py exec_generator.py:gan.py))
$(eval $(call page,man/hl-export.1,wide.safetensors:encoder.safetensors cifar.safetensors:small.safetensors train.hls test.hls))
$(eval $(call page,man/hl-filter.1,resnet50.pth))
$(eval $(call page,man/hl-metrics.1,encoder.safetensors photographs:photos bigbigan.safetensors:generator.pth))
$(eval $(call page,man/hl-parallel.7,photographs:photos encoder.safetensors))
$(eval $(call page,man/hl-perturb.1,w_COPGen_pretained.pth stylegan2.safetensors:stylegan2-car-config-f.pkl \
	w1.safetensors w2.safetensors g.safetensors c.safetensors))
$(eval $(call page,man/hl-probe.1,encoder.safetensors flowers))
$(eval $(call page,man/hl-recipes.7,bigbigan.safetensors:BigBiGAN_x1.pth stylegan2.safetensors:stylegan2-car-config-f.pkl \
	w_COPGen_pretained.pth latents.npy split-photographs:photos exec_generator.py:gan.py resnet50.pth flowers \
	VOCdevkit detections:results))
$(eval $(call page,man/hl-run.5,experiments))
$(eval $(call page,man/hl-sample.1,bigbigan.safetensors:BigBiGAN_x1.pth stylegan2.safetensors:stylegan2-car-config-f.pkl \
	latents.py projected_w.npz split-photographs:photos encoder.safetensors))
$(eval $(call page,man/hl-select.1,views.hls seed1.hls seed2.hls labelled.hls anchors.hls))
$(eval $(call page,man/hl-stream.5,views.hls z.npy))
$(eval $(call page,man/hl-train-discriminator.1,split-photographs:DIR bigbigan.safetensors:BigBiGAN_x1.pth))
$(eval $(call page,man/hl-train-generator.1,cifar10:photos cifar10:DIR efficientnet-lite0.pth))
$(eval $(call page,man/hl-train-walker.1,bigbigan.safetensors:BigBiGAN_x1.pth))
$(eval $(call page,man/hl-train.1,cifar10:photos g.safetensors wide.safetensors bigbigan.safetensors:BigBiGAN_x1.pth \
	stylegan2.safetensors:stylegan2-car-config-f.pkl split-photographs:DIR))
$(eval $(call page,man/hl-view.1,bigbigan.safetensors:BigBiGAN_x1.pth stylegan2.safetensors:stylegan2-car-config-f.pkl \
	views.hls encoder.safetensors experiments a.safetensors b.safetensors))
$(eval $(call page,man/hl-views.7,))
$(eval $(call page,README.md,cifar10:DIR bigbigan.safetensors:BigBiGAN_x1.pth exec_generator.py:gan.py docs \
	g.safetensors:examples/cifar10-hl32.safetensors))
$(eval $(call page,examples/README.md,cifar10:DIR g.safetensors:examples/cifar10-hl32.safetensors \
	script:examples/table2.sh))

# Weights.

bigbigan.safetensors: ; python3 $(SOURCES)/examples/random_weights.py bigbigan --width 4 -o $@
stylegan2.safetensors: ; python3 $(SOURCES)/examples/random_weights.py stylegan2 --width 4 -o $@
g.safetensors: ; cp $(SOURCES)/examples/cifar10-hl32.safetensors $@
exec_generator.py: ; cp $(SOURCES)/examples/$@ $@
w_COPGen_pretained.pth: ; cp $(fixtures)/HLViewsTests/Fixtures/cop_gen.pth $@
all.safetensors: ; $(shapes) | $(walker) --chunks 0-5 -o $@
later.safetensors: ; $(shapes) | $(walker) --chunks 1-5 -o $@
w1.safetensors: ; $(shapes) | $(walker) --chunks 1 -o $@
w2.safetensors: ; $(shapes) | $(walker) --chunks 2 -o $@
g0.safetensors: g.safetensors ; hl-sample --weights $< | $(walker) --chunks 0 -o $@
g1.safetensors: g.safetensors ; hl-sample --weights $< | $(walker) --chunks 1 -o $@

# Encoders: of 64 pixels, of 32, of full width, of CIFAR's form, a ResNet-50 for torchvision; a classifier.

encoder.safetensors: ; hl-sample | hl-perturb --chunks 1-5 | $(train) -o $@
small.safetensors: ; $(shapes) | hl-perturb --chunks 1-5 | $(train) -o $@
wide.safetensors: ; $(shapes) | hl-perturb | hl-train -q --batch 4 -n 4 -o $@
cifar.safetensors: ; hl-sample | hl-perturb | $(train) --width 16 --stem cifar --batch 4 -n 4 -o $@
resnet50.pth: ; hl-sample | hl-perturb | $(train) --arch resnet50 -o $@.encoder; hl-export -q --encoder $@.encoder -o $@ >/dev/null
c.safetensors: small.safetensors
	hl-sample --data cifar10:cifar10 --split train --size 32 -o $@.train
	hl-sample --data cifar10:cifar10 --split test --size 32 -o $@.test
	hl-probe -q --train $@.train --test $@.test --encoder $< --recipe lbfgs -o $@ >/dev/null

# Runs with their records.

a.safetensors b.safetensors: ; unset HL_RECORD; hl-sample | hl-perturb | $(train) --seed 1 -o $@
experiments: a.safetensors b.safetensors ; mkdir -p $@; cp $^ $(addsuffix .run.json,$^) $@

# Streams.

train.hls: ; hl-sample --clean --seed 1 -n 100 -o $@
test.hls: ; hl-sample --clean --seed 2 -n 50 -o $@
views.hls: ; hl-sample -n 64 --render | hl-perturb --chunks 1-5 --render -o $@
anchors.hls: ; hl-sample -n 64 -o $@
seed1.hls seed2.hls: ; hl-sample -n 64 --seed $(subst seed,,$(basename $@)) | hl-perturb -o $@
labelled.hls: small.safetensors ; $(shapes) -n 100 | hl-encode -q --encoder $< -o $@

# Arrays of NumPy, and a program that prints one.

latents.py: ; cp $(fixtures)/Pages/latents.py $@
z.npy latents.npy: latents.py ; python3 $< 16 6 20 > $@
projected_w.npz: latents.py
	python3 $< 1 16 512 > w.npy
	python3 -c 'import zipfile; zipfile.ZipFile("$@", "w").write("w.npy")'

# Pascal VOC: two images with a bird each, and what a detector has found there.

classes := aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant \
	sheep sofa train tvmonitor
VOCdevkit:
	mkdir -p $@/VOC2007/Annotations $@/VOC2007/ImageSets/Main
	for name in 000001 000002; do
		echo $$name >> $@/VOC2007/ImageSets/Main/test.txt
		echo "<annotation><object><name>bird</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>5</ymin>" \
			"<xmax>21</xmax><ymax>40</ymax></bndbox></object></annotation>" > $@/VOC2007/Annotations/$$name.xml
	done
detections:
	mkdir -p $@
	touch $(classes:%=$@/%.txt)
	echo 000001 0.9 1.0 5.0 21.0 40.0 > $@/bird.txt
coco_instances_results.json:
	echo '[{"image_id": 1, "category_id": 2, "bbox": [0, 4, 21, 36], "score": 0.9},
	{"image_id": 2, "category_id": 0, "bbox": [0, 4, 21, 36], "score": 0.1}]' > $@

script: ; cp $(fixtures)/Pages/stand-ins/script $@

# An empty folder.

docs: ; mkdir $@

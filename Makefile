# make          build, after installing the system packages that are missing
# make help     all targets

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := build

PREFIX ?= /usr/local
DESTDIR ?=
SWIFT ?= swift
# Libraries to build without although they are there, for both make and Package.swift: onednn,jpeg,webp
HL_WITHOUT ?=
export HL_WITHOUT

# A folder Sources/hl-… is a program, a file man/NAME.SECTION a page.
PROGRAMS := $(notdir $(wildcard Sources/hl-*))
PAGES := $(notdir $(wildcard man/*.[1-8]))
BIN := .build/release

# Package.swift looks for libraries, so that neither its result nor the build plan may come from a cache.
SWIFTFLAGS := -c release --manifest-cache none --disable-build-manifest-caching

# header:package. The first four are needed; the build takes in the others where they are.
NEEDED := cblas.h:libopenblas-dev zstd.h:libzstd-dev png.h:libpng-dev zlib.h:zlib1g-dev
comma := ,
without = $(filter $(1),$(subst $(comma), ,$(HL_WITHOUT)))
WANTED := $(if $(call without,onednn),,dnnl.h:libdnnl-dev) $(if $(call without,jpeg),,jpeglib.h:libjpeg-dev) \
	$(if $(call without,webp),,webp/decode.h:libwebp-dev)
# Programs that the tests (zstd) and Swift (pkg-config) use where they are.
TOOLS := zstd pkg-config
# Programs that only tests use: of pages and their examples, of completions in their shells, of screens, and the launchers of
# two MPI libraries. `make test` installs them; what it cannot install is named, and its tests are skipped.
TEST_TOOLS := mandoc zsh fish tmux man:man-db groff:groff setsid:util-linux col:bsdextrautils jq python3 \
	strings:binutils dpkg-shlibdeps:dpkg-dev mpirun.openmpi:openmpi-bin mpirun.mpich:mpich

.PHONY: build test demo reproduce deps install uninstall deb deb-check clean help

build: deps ## build the programs into .build/release (default)
	$(SWIFT) build $(SWIFTFLAGS)

test: WANTED_TOOLS += $(TEST_TOOLS)
test: deps ## build and run all tests
	@$(SWIFT) build $(SWIFTFLAGS) --build-tests
	man/check.sh $(BIN)
	$(BIN)/room-map Sources Benchmarks
	HL_BIN="$(CURDIR)/$(BIN)" $(SWIFT) test $(SWIFTFLAGS) --skip-build --disable-xctest

demo: build ## views, training and probing on the built-in generator, in minutes
	@PATH="$(CURDIR)/$(BIN):$$PATH" examples/demo.sh

reproduce: build ## the paper's Tables 1 to 3, small: SEEDS=1 METHODS=simclr FOLDER=hl-paper-demo
	@export PATH="$(CURDIR)/$(BIN):$$PATH"
	for table in 1 2 3; do examples/table$$table.sh; done

deps: ## install the system packages that are missing, through sudo when not root
	@version=$$($(SWIFT) --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\).*/\1/p') || true
	if (( $${version:-0} < 6 )); then
		echo "make: error: $(SWIFT) is $${version:+version }$${version:-not installed}: install Swift 6 or newer from" \
			"https://www.swift.org/install/linux and put it on PATH" >&2
		exit 1
	fi
	# The packages whose header is in none of the folders that the build searches.
	missing() {
		local pair folder
		for pair; do
			for folder in /usr/include /usr/include/*-linux-gnu* /usr/local/include; do
				if [[ -e $$folder/$${pair%:*} ]]; then continue 2; fi
			done
			echo "$${pair#*:}"
		done
	}
	needed=$$(missing $(NEEDED))
	wanted=$$(missing $(WANTED); for tool in $(TOOLS) $(WANTED_TOOLS); do
		command -v $${tool%:*} >/dev/null || echo $${tool#*:}
	done)
	# Another BLAS brings cblas.h too.
	PATH="$$PATH:/usr/sbin:/sbin"
	if command -v ldconfig >/dev/null && ! ldconfig -p | grep 'libopenblas\.so' >/dev/null; then
		needed+=$$'\nlibopenblas-dev'
	fi
	needed=$$(sort -u <<<"$$needed" | xargs)
	wanted=$$(xargs <<<"$$wanted")
	if [[ -z $$needed$$wanted ]]; then exit 0; fi
	if ! command -v apt-get >/dev/null; then
		if [[ -n $$wanted ]]; then echo "make: better with the libraries that Debian calls: $$wanted" >&2; fi
		if [[ -z $$needed ]]; then exit 0; fi
		echo "make: error: there is no apt-get: install with your package manager what Debian calls: $$needed" >&2
		exit 1
	fi
	as_root=
	if (( EUID != 0 )); then as_root=sudo; fi
	if [[ -n $$as_root ]] && ! command -v sudo >/dev/null; then
		echo "make: these packages are missing, and there is no sudo: apt-get install $$needed $$wanted" >&2
		if [[ -z $$needed ]]; then exit 0; else exit 1; fi
	fi
	apt_install() {
		$$as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends "$$@" >/dev/null
	}
	echo "make: installing $$(xargs <<<"$$needed $$wanted")" >&2
	$$as_root apt-get -qq update || echo "make: cannot refresh the package lists" >&2
	if [[ -n $$needed ]]; then apt_install $$needed; fi
	# One by one: what this system does not offer, the build goes without.
	for package in $$wanted; do
		apt_install $$package || echo "make: going on without $$package" >&2
	done

# After `make`, `sudo make install` only copies: root may have no Swift.
install: $(if $(wildcard $(PROGRAMS:%=$(BIN)/%)),,build) ## install programs, man pages and completions under PREFIX
	@root="$(DESTDIR)$(PREFIX)"
	bash="$$root/share/bash-completion/completions"
	zsh="$$root/share/zsh/site-functions"
	fish="$$root/share/fish/vendor_completions.d"
	install -d "$$root/bin" "$$bash" "$$zsh" "$$fish"
	for program in $(PROGRAMS); do
		install -m 755 "$(BIN)/$$program" "$$root/bin"
		"$(BIN)/$$program" --generate-completion-script bash > "$$bash/$$program"
		"$(BIN)/$$program" --generate-completion-script zsh > "$$zsh/_$$program"
		"$(BIN)/$$program" --generate-completion-script fish > "$$fish/$$program.fish"
	done
	for page in $(PAGES); do
		install -d "$$root/share/man/man$${page##*.}"
		install -m 644 "man/$$page" "$$root/share/man/man$${page##*.}"
	done
	echo "installed in $$root"

uninstall: ## remove what `make install` with the same PREFIX has installed
	@root="$(DESTDIR)$(PREFIX)"
	for program in $(PROGRAMS); do
		rm -f "$$root/bin/$$program" "$$root/share/bash-completion/completions/$$program" \
			"$$root/share/zsh/site-functions/_$$program" "$$root/share/fish/vendor_completions.d/$$program.fish"
	done
	for page in $(PAGES); do
		rm -f "$$root/share/man/man$${page##*.}/$$page"
	done

deb: WANTED_TOOLS += dpkg-shlibdeps:dpkg-dev
deb: build ## make a Debian package of them, .build/deb/hl-views_VERSION_ARCHITECTURE.deb
	@SWIFT="$(SWIFT)" .ci/deb/build "$(BIN)" .build/deb

deb-check: deb ## install that package in a bare Debian made by debootstrap, as root, and try it there
	@.ci/deb/check .build/deb/hl-views_*.deb

clean: ## remove everything built
	rm -rf .build

help: ## print this list
	@echo "make TARGET [PREFIX=$(PREFIX)] [DESTDIR=] [HL_WITHOUT=onednn,jpeg,webp]"
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

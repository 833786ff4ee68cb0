# SPDX-License-Identifier: GPL-2.0-only OR MIT
#
# Most targets pass the variables to one call of xpsgen. `make help` lists the targets.

GO      ?= go
BASE    ?=
KERNEL  ?=
IPROUTE2 ?=
CONFIG  ?=
RUN     ?=
SEED    ?=
LONG    ?=
REACH   ?=
SAMPLE  ?= 10
DEPTH   ?= 3
# make test always uses this seed, so that a failure is caused by the change. make
# test-long uses new seeds. SEED=N uses N.
FIXED_SEED ?= 607120647
ACCEL   ?=
J       ?=
V       ?= 0
FUZZTIME ?= 1m
SYZKALLER ?=
SYZTIME ?= 10m
DIST    ?= out/dist
MODULE  ?=
DIR     ?= out/module
HEADERS ?= 2000
GUEST   ?=
OPERATIONS ?= 10000

ifeq ($(V),1)
  Q =
  VERBOSE = -v
else
  Q = @
  VERBOSE =
  MAKEFLAGS += --no-print-directory
endif
ifneq ($(findstring s,$(firstword -$(MAKEFLAGS))),)
  VERBOSE = -q
endif

XPSGEN  = bin/xpsgen
COMMA   = ,

# Pass on only variables that are set: xpsgen has the defaults.
EACH = $(foreach k,$(subst $(COMMA), ,$(2)),--$(1) $(k))
TREEFLAGS = $(if $(BASE),--base $(BASE)) $(if $(KERNEL),--kernel $(KERNEL)) \
	$(if $(IPROUTE2),--iproute2 $(IPROUTE2)) $(call EACH,config,$(CONFIG)) \
	$(call EACH,series,$(SERIES)) $(call EACH,with,$(WITH)) $(call EACH,without,$(WITHOUT)) \
	$(if $(J),--jobs $(J))
UAPIFLAGS = $(if $(BASE),--base $(BASE)) $(if $(KERNEL),--kernel $(KERNEL)) $(if $(J),--jobs $(J))
KERNELFLAGS = $(if $(BASE),--base $(BASE)) $(if $(KERNEL),--kernel $(KERNEL)) $(if $(J),--jobs $(J))
VMFLAGS   = $(TREEFLAGS) $(if $(ACCEL),--accel $(ACCEL))

# Use ARCH only from the command line. Kernel developers often have it in the environment.
ifeq ($(origin ARCH),command line)
  GUEST_ARCH = $(ARCH)
  ARCH_GOALS = help deps doctor vmtest watch vmtest-all unpatched shell guest stock
  ifneq ($(filter-out $(ARCH_GOALS),$(or $(MAKECMDGOALS),help)),)
    $(error ARCH= is for $(filter-out help deps doctor,$(ARCH_GOALS)))
  endif
endif
ARCHFLAGS = $(if $(GUEST_ARCH),--arch $(GUEST_ARCH))
OTHER_ARCHES = arm64 s390x
# The go command for tests that run in the guest. For another architecture it compiles no C.
GUEST_GO = $(if $(filter-out amd64,$(GUEST_ARCH)),GOARCH=$(GUEST_ARCH) CGO_ENABLED=0) $(GO)
test: TEST_SEED = $(FIXED_SEED)
SEEDFLAGS = $(if $(or $(SEED),$(TEST_SEED)),--seed $(or $(SEED),$(TEST_SEED)))

# A service without HOME has no default directories for go.
ifeq ($(HOME),)
  export GOCACHE ?= $(or $(XDG_CACHE_HOME),$(XPSGEN_CACHE))/go-build
  export GOPATH  ?= $(or $(XPSGEN_CACHE),$(XDG_CACHE_HOME))/go
endif

.DELETE_ON_ERROR:
.PHONY: all help deps doctor vmtest watch vmtest-all test test-long seeds vmtest-debug vmtest-rt vmtest-kcsan vmtest-arches stock unit lint guest faults check-uapi check-series check-builds series series-real nipa ten-days mutants mutants-sample mutate reach prove prove-quick prove-mutants litmus bisect \
	unpatched peers full act engines syz shell uapi bench-uapi generate docs dist module foreign stress fuzz defects bench bench-check bench-policies bench-vm bench-build report report-test edits fuzz-headers verify-uapi ports objects objects-mutants ip-testsuite ip-warnings fuzz-ip bare-debian clean FORCE

all: help

help:
	@echo 'Test a change:'
	@echo '  vmtest         - boot the patched kernel and run the suite in it'
	@echo '  watch          - vmtest again at each change of patches, programs or suite'
	@echo '  test           - lint, unit tests, the suite on every base, and more'
	@echo '  test-long      - tests that take hours: new seeds, debug kernels, all mutants'
	@echo '  seeds          - tests with random input, with new seeds'
	@echo '  vmtest-all     - vmtest on every base; all must run the same tests'
	@echo '  vmtest-debug   - vmtest-all on debug kernels'
	@echo '  vmtest-rt      - vmtest-all with PREEMPT_RT, and a mutant for its checkers'
	@echo '  vmtest-kcsan   - vmtest-all with KCSAN (data races), and a mutant for it'
	@echo '  vmtest-arches  - vmtest on arm64 and on s390x, which is big-endian'
	@echo '  unit           - Go tests with the race detector, no guest'
	@echo '  lint           - gofmt, go vet, staticcheck'
	@echo '  unpatched      - the suite on the base kernel: no test of the hook may pass'
	@echo '  guest          - the tests of bpf/ in the patched guest'
	@echo '  stock          - the same on Debian kernels for arm64 and s390x, no hook'
	@echo '  objects        - load valid and damaged objects with ip in the guest'
	@echo '  foreign        - use this module from another: replace, workspace, archive'
	@echo '  stress         - the library with 50 workers and the race detector'
	@echo '  faults         - guests that panic, hang, flood: the run must report each'
	@echo '  check-uapi     - compare package uapi with the patched headers'
	@echo '  check-series   - check the patches, without compiling'
	@echo '  check-builds   - compile the series without SMP, BPF_SYSCALL, NET'
	@echo '  series-real    - rebase the series between the real kernels'
	@echo '  nipa           - compare with the tests of netdev CI (NIPA=), inject faults'
	@echo '  ten-days       - random work on trees of the series, 200 times ten days'
	@echo '  mutants        - apply known defects: the suite must notice each'
	@echo '  mutants-sample - the same with SAMPLE mutants, chosen at random'
	@echo '  mutate         - mutants of every added line: the suite must notice each'
	@echo '  reach          - lines of the series that no test runs: each must be listed'
	@echo '  prove          - check functions of the series in a model, DEPTH operations'
	@echo '  prove-quick    - two operations on every base; faults must be found'
	@echo '  litmus         - litmus tests of the series: memory ordering'
	@echo '  prove-mutants  - mutants of these functions: the model must refute each'
	@echo '  bisect         - test every patch: warnings, boot, tests'
	@echo '  report-test    - the report in a browser and a validator (installs Chromium)'
	@echo '  act            - the workflow of GitHub Actions, on this machine (network)'
	@echo '  engines        - cells on two hosts, and as a Job (root, network)'
	@echo '  syz            - fuzz with syzkaller for SYZTIME; then it must find a mutant'
	@echo '  peers          - tests of cilium/ebpf and mdlayher/netlink in the guest'
	@echo '  full           - CONFIG=full: modules, disks, the selftests of the kernel'
	@echo '  edits          - build random edits in part and as a whole: same image'
	@echo '  defects        - N defects in the Go code: the unit tests must notice each'
	@echo '  fuzz           - every fuzz target for FUZZTIME each'
	@echo '  fuzz-headers   - HEADERS random headers on five targets: Go and C must agree'
	@echo '  fuzz-ip        - fuzz the loaders of ip with ASan and UBSan, FUZZTIME each'
	@echo '  objects-mutants - remove each check from the loaders: loading must notice'
	@echo '  ip-testsuite   - testsuite of iproute2, without and with the series'
	@echo '  ip-warnings    - warnings of iproute2, without and with the series'
	@echo '  verify-uapi    - every header on eight targets: gcc, clang and Go must agree'
	@echo '  ports          - compare constants of other Go libraries (needs the network)'
	@echo '  bare-debian    - bindings in a Debian without a C library (needs the network)'
	@echo
	@echo 'Work with it:'
	@echo '  shell          - open a shell in the patched guest'
	@echo '  bench          - count instructions per packet: the hook and other methods'
	@echo '  bench-check    - the same, and compare with the baseline'
	@echo '  bench-policies - count the policies, and compare with those without counters'
	@echo '  bench-vm       - time boots, by machine, kernel image and tool'
	@echo '  bench-build    - time builds, and compare with defconfig + kvm_guest'
	@echo '  bench-uapi     - time xpsgen uapi, and compare with cgo -godefs'
	@echo '  report         - write the results of the last runs to out/report.html'
	@echo '  series         - check-series, and gcc, clang, sparse, 32 bit patch by patch'
	@echo '  uapi           - regenerate package uapi from the patched headers'
	@echo '  generate       - recompile the BPF objects'
	@echo '  dist           - archive the committed source for other modules: out/dist'
	@echo '  module         - copy the module to DIR under the path MODULE, to publish it'
	@echo '  docs           - regenerate docs/commands.md'
	@echo '  deps           - install missing dependencies (apt; as root or through sudo)'
	@echo '  doctor         - list installed and missing dependencies'
	@echo '  clean          - remove bin/ and out/; the cache stays'
	@echo
	@echo 'Variables:'
	@echo '  BASE=          - kernel base: net-next, 6.12, or all'
	@echo '  KERNEL=        - your kernel tree instead of the base'
	@echo '  IPROUTE2=      - your iproute2 tree instead of the base'
	@echo '  SERIES=        - only these series and those that they depend on; commas'
	@echo '  WITH=          - an alternative series instead of the one it replaces'
	@echo '  WITHOUT=       - do not apply these series'
	@echo '  CONFIG=        - Kconfig fragments, names or files, separated by commas'
	@echo '  ARCH=          - architecture of the guest: arm64 or s390x; default amd64'
	@echo '  RUN=           - tests to run, as with go test -run: RUN=control/a24'
	@echo '  SEED=          - repeat the random choices of a run that printed this seed'
	@echo '  LONG=1         - vmtest also tests program ids above 65535'
	@echo '  REACH=1        - vmtest also fails for lines of the series that no test runs'
	@echo '  SAMPLE=        - number of mutants for mutants-sample; default 10'
	@echo '  DEPTH=         - number of operations in the sequences of prove; default 3'
	@echo '  ACCEL=         - kvm or tcg; default: KVM if a guest boots under it'
	@echo '  MODULE=        - make module: the module path, such as example.org/xps'
	@echo '  DIR=           - make module: a new directory, default out/module'
	@echo '  NIPA=          - clone of linux-netdev/nipa, for nipa and test-long'
	@echo '  SYZKALLER=     - clone of google/syzkaller, for syz and test-long'
	@echo '  SYZTIME=       - how long syz fuzzes; default 10m'
	@echo '  V=1            - show commands, and the output of apt'
	@echo '  J=             - number of parallel build jobs'
	@echo '  FUZZTIME=      - time per target of fuzz and fuzz-ip; default 1m'
	@echo '  OPERATIONS=    - number of operations of stress; default 10000'
	@echo '  N=             - number of defects; default 12'
	@echo '  GUEST=1        - make defects also runs the tests in a guest'
	@echo '  HEADERS=       - number of headers of fuzz-headers; default 2000'

# Go needs CA certificates to fetch modules, before xpsgen can be built. A bare Debian
# has none.
CA_FILES = /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
	/etc/ssl/ca-bundle.pem /etc/ssl/cert.pem
CA_APT = export DEBIAN_FRONTEND=noninteractive; apt-get update && apt-get install -y --no-install-recommends ca-certificates

$(XPSGEN): FORCE
	$(if $(wildcard $(SSL_CERT_FILE) $(CA_FILES)),,$(Q)if [ $$(id -u) = 0 ]; then $(CA_APT); else sudo sh -c '$(CA_APT)'; fi >&2)
	$(Q)test -x $@ || echo 'building xpsgen; the first time takes 1 to 2 minutes' >&2
	$(Q)CGO_ENABLED=0 $(GO) build -tags urfave_cli_no_docs -o $@ ./gen/cmd/xpsgen

deps: $(XPSGEN)
	$(Q)$(XPSGEN) $(VERBOSE) deps $(if $(filter-out amd64,$(GUEST_ARCH)),--for vmtest --for bpf --for $(GUEST_ARCH))

doctor: $(XPSGEN)
	$(Q)$(XPSGEN) $(VERBOSE) doctor

vmtest: deps
	$(Q)$(XPSGEN) $(VERBOSE) vmtest $(ARCHFLAGS) $(VMFLAGS) $(if $(RUN),--run '$(RUN)') $(SEEDFLAGS) $(if $(LONG),--long) $(if $(REACH),--reach)

watch: deps
	$(Q)$(XPSGEN) $(VERBOSE) vmtest --watch $(ARCHFLAGS) $(VMFLAGS) $(if $(RUN),--run '$(RUN)') $(SEEDFLAGS)

vmtest-all: deps
	$(Q)$(XPSGEN) $(VERBOSE) vmtest $(if $(BASE)$(KERNEL),,--base all) $(ARCHFLAGS) $(VMFLAGS) $(SEEDFLAGS)

unpatched: deps
	$(Q)$(XPSGEN) $(VERBOSE) vmtest --unpatched $(ARCHFLAGS) $(VMFLAGS) $(if $(RUN),--run '$(RUN)') $(SEEDFLAGS)

check-series: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for series
	$(Q)$(XPSGEN) $(VERBOSE) series check --fast

series: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for series --for series-build
	$(Q)$(XPSGEN) $(VERBOSE) series check $(if $(J),--jobs $(J))

check-builds: deps
	$(Q)$(XPSGEN) $(VERBOSE) builds $(KERNELFLAGS)

mutants: deps
	$(Q)$(XPSGEN) $(VERBOSE) mutants $(VMFLAGS)

mutants-sample: deps
	$(Q)$(XPSGEN) $(VERBOSE) mutants --sample $(SAMPLE) $(VMFLAGS) --seed $(or $(SEED),$(FIXED_SEED))

mutate: deps
	$(Q)$(XPSGEN) $(VERBOSE) mutate $(VMFLAGS) $(if $(SEED),--seed $(SEED))

# Without BASE=, run on every base.
reach: deps
	$(Q)$(XPSGEN) $(VERBOSE) vmtest --reach $(if $(BASE),,--base all) $(VMFLAGS) $(if $(RUN),--run '$(RUN)') $(SEEDFLAGS)

prove-mutants: deps
	$(Q)$(XPSGEN) $(VERBOSE) prove --mutants $(PROVEFLAGS) $(if $(SEED),--seed $(SEED))

PROVEFLAGS = $(if $(BASE),--base $(BASE)) $(if $(J),--jobs $(J))

prove: deps litmus
	$(Q)$(XPSGEN) $(VERBOSE) prove --depth $(DEPTH) $(PROVEFLAGS)

litmus: deps
	$(Q)$(XPSGEN) $(VERBOSE) prove --litmus $(PROVEFLAGS)

prove-quick: deps
	$(Q)$(XPSGEN) $(VERBOSE) prove --depth 2 $(if $(BASE),,--base all) $(PROVEFLAGS)
	$(Q)$(XPSGEN) $(VERBOSE) prove --litmus $(if $(BASE),,--base all) $(PROVEFLAGS)
	$(Q)XPS_TEST_REQUIRE=prove $(GO) test -count 1 -timeout 30m ./vmtest/prove ./vmtest/litmus

bisect: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for series-build
	$(Q)$(XPSGEN) $(VERBOSE) bisect $(VMFLAGS)

shell: deps
	$(Q)$(XPSGEN) $(VERBOSE) vm shell $(ARCHFLAGS) $(VMFLAGS)

uapi: deps
	$(Q)$(XPSGEN) $(VERBOSE) uapi $(UAPIFLAGS)
	$(Q)$(XPSGEN) $(VERBOSE) uapi syzlang $(UAPIFLAGS)

# uapi include installs the headers of the base before the measurement starts.
bench-uapi: deps
	$(Q)dir=$$($(XPSGEN) -q uapi include $(UAPIFLAGS)) && \
		XPSGEN_UAPI_INCLUDE=$$dir $(GO) test -run '^$$' -bench UAPI -benchtime 5x ./gen/cmd/xpsgen

generate: deps
	$(Q)$(GO) generate ./bpf/...

# Use the version that Go gives to a commit without a tag.
dist:
	$(Q)version=$$(TZ=UTC git show -s --abbrev=12 --date=format-local:%Y%m%d%H%M%S --format=v0.0.0-%cd-%h HEAD) && \
		{ test -z "$$(git status --porcelain)" || echo "dist: $$version does not contain uncommitted changes" >&2; } && \
		mkdir -p $(DIST) && git archive --format=tar.gz --prefix=xpsgen-$$version/ \
			--add-virtual-file=xpsgen-$$version/VERSION:$$version -o $(abspath $(DIST))/xpsgen-$$version.tar.gz HEAD && \
		echo $(DIST)/xpsgen-$$version.tar.gz

module:
	$(Q)test -n "$(MODULE)" || { echo "make module: give MODULE=, a module path such as example.org/xps" >&2; exit 2; }
	$(Q)$(GO) run ./bpf/internal/module $(MODULE) $(DIR)

# Generate docs/commands.md from the declarations of the commands.
docs: $(XPSGEN)
	$(Q)$(XPSGEN) man --markdown >docs/commands.md

lint: deps
	$(Q)unformatted=$$(gofmt -l bpf gen uapi vmtest); test -z "$$unformatted" || { echo "gofmt -w $$unformatted" >&2; exit 1; }
	$(Q)$(GO) vet ./...
	$(Q)$(GO) tool staticcheck ./...

unit: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for series --for share
	$(Q)$(GO) test -race ./...

# Run the library's tests in the patched guest. A missing hook fails them there; it
# does not skip them.
guest: deps
	$(Q)$(GUEST_GO) test -timeout 40m -exec '$(abspath $(XPSGEN)) vm run --env XPS_TEST_REQUIRE=xps $(ARCHFLAGS) $(VMFLAGS) --' ./bpf/...

# Run the same tests on Debian's kernels of other architectures. They lack the hook, so
# tests of the hook are skipped.
stock: deps
	$(Q)for a in $(or $(filter-out amd64,$(GUEST_ARCH)),$(OTHER_ARCHES)); do \
		$(XPSGEN) $(VERBOSE) deps --for $$a && \
		GOARCH=$$a CGO_ENABLED=0 $(GO) test -count 1 -timeout 60m \
			-exec "$(abspath $(XPSGEN)) vm run --stock --arch $$a $(if $(ACCEL),--accel $(ACCEL)) --" ./bpf/... || exit 1; done

# Run ip with each libbpf and without libbpf, on each base; compare with the golden tables.
objects: deps
	$(Q)XPS_TEST_REQUIRE=objects $(GO) test -timeout 30m -count 1 ./vmtest/ipobjects

objects-mutants: deps
	$(Q)XPS_TEST_REQUIRE=object-mutants $(GO) test -timeout 60m -count 1 -v -run 'TestMutants$$' ./vmtest/ipobjects

# Compare iproute2 before and after the series: its testsuite, and the compilers' warnings.
ip-testsuite: deps
	$(Q)XPS_TEST_REQUIRE=ip-testsuite $(GO) test -timeout 60m -count 1 -v -run TestTestsuite ./vmtest/ipcompare

ip-warnings: deps
	$(Q)XPS_TEST_REQUIRE=ip-warnings $(GO) test -timeout 30m -count 1 -v -run TestWarnings ./vmtest/ipcompare

# Use the library and the module from other modules.
foreign: deps
	$(Q)XPS_TEST_REQUIRE=vm $(GO) test -timeout 30m -count 1 ./bpf/internal/module

STRESSFLAGS = --env XPS_TEST_REQUIRE=xps --env XPS_TEST_OPERATIONS=$(OPERATIONS) \
	$(if $(SEED),--env XPS_TEST_SEED=$(SEED)) $(VMFLAGS)

# Run the library with 50 workers in four network namespaces and the race detector.
stress: deps
	$(Q)$(GO) test -race -count 1 -timeout 90m -run Stress -exec '$(abspath $(XPSGEN)) vm run $(STRESSFLAGS) --' ./bpf/xps

# Boot guests that fail in every known way: no run may pass.
faults: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for kselftest
	$(Q)XPS_TEST_REQUIRE=vm $(GO) test -timeout 40m -run '^TestGuest|^TestScript$$/^vm_' \
		$$(grep -rl --include='*_test.go' 'testenv.Require(t, "vm"' gen vmtest | sed 's,^,./,;s,/[^/]*$$,,' | sort -u)

# Rebase the series between the kernels of the bases.
series-real: deps
	$(Q)XPS_TEST_REQUIRE=series $(GO) test -timeout 30m -count 1 -run 'TestScript/series_real' ./gen/cmd/xpsgen

# Boot kernels with CONFIG=full and use their features.
full: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for kselftest
	$(Q)XPS_TEST_REQUIRE=full $(GO) test -timeout 0 -count 1 -run 'TestScript/full' ./gen/cmd/xpsgen
	$(Q)$(XPSGEN) $(VERBOSE) vm test-progs xps
	$(Q)$(XPSGEN) $(VERBOSE) vm kselftest drivers/net:xps_bpf.py
	$(Q)$(XPSGEN) $(VERBOSE) vm kselftest --compare net:rtnetlink.sh net:netdevice.sh net:reuseport_bpf

# Run the tests of other Go libraries. Known failures are listed; they also fail on the
# base kernel.
peers: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for kselftest
	$(Q)$(XPSGEN) $(VERBOSE) peers $(VMFLAGS)

# Compile the descriptions together with those of syzkaller. Then fuzz. The kernel must not
# crash or warn; a kernel with a mutant must.
syz: deps
	$(Q)test -n "$(SYZKALLER)" || { echo "make syz: give SYZKALLER=, a clone of https://github.com/google/syzkaller" >&2; exit 2; }
	$(Q)$(XPSGEN) $(VERBOSE) deps --for syz
	$(Q)XPS_TEST_REQUIRE=syz XPS_TEST_SYZKALLER=$(abspath $(SYZKALLER)) XPS_TEST_SYZTIME=$(SYZTIME) \
		$(GO) test -count 1 -timeout 0 -v -run TestSyzkaller ./gen/cmd/xpsgen

# Compare the checks and reports with NIPA's own tests and parsers.
nipa: deps
	$(Q)test -n "$(NIPA)" || { echo "make nipa: give NIPA=, a clone of https://github.com/linux-netdev/nipa" >&2; exit 2; }
	$(Q)$(XPSGEN) $(VERBOSE) deps --for series --for series-build
	$(Q)XPS_TEST_REQUIRE=nipa XPS_TEST_NIPA=$(abspath $(NIPA)) $(GO) test -count 1 ./vmtest/ktap ./gen/series/nipa
	$(Q)$(XPSGEN) $(VERBOSE) series nipa --nipa $(NIPA) --faults $(SEEDFLAGS)

# Simulate ten working days on a tree, 200 times, with new seeds.
ten-days:
	$(Q)XPS_TEST_DAYS=200 XPS_TEST_SEED=$(or $(SEED),new) $(GO) test -count 1 -timeout 4h -run TenDays ./gen/series/worktree

# Run the workflow of GitHub Actions under act: six cells, one of which fails.
act: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for series --for engines
	$(Q)XPS_TEST_REQUIRE=act $(GO) test -count 1 -timeout 60m -v -run TestAct ./vmtest/matrix

# Run cells with GNU parallel on two hosts, one of which dies; check the Job.
engines: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for series --for engines
	$(Q)XPS_TEST_REQUIRE=engines $(GO) test -count 1 -timeout 30m -v -run 'TestParallel|TestJob|TestCcache' ./vmtest/matrix/... ./vmtest/build

check-uapi: deps
	$(Q)$(XPSGEN) $(VERBOSE) uapi --check $(UAPIFLAGS)
	$(Q)$(XPSGEN) $(VERBOSE) uapi syzlang --check $(if $(filter all,$(BASE)),,$(UAPIFLAGS))

test: lint unit check-series check-builds vmtest-all guest objects foreign check-uapi faults mutants-sample prove-quick unpatched report-test

# Tests with random input, with new seeds.
seeds: deps
	$(Q)XPS_TEST_SEED=new $(GO) test -count 20 -timeout 60m $$(grep -rl --include='*_test.go' 'seed\.Rand(' bpf gen vmtest | sed 's,^,./,;s,/[^/]*$$,,' | sort -u)
	$(Q)for i in 1 2 3 4 5; do $(XPSGEN) $(VERBOSE) vmtest $(VMFLAGS) --out out/seeds || exit 1; done

vmtest-debug: deps
	$(Q)$(XPSGEN) $(VERBOSE) vmtest --base all --config debug $(VMFLAGS)

vmtest-rt: deps
	$(Q)$(XPSGEN) $(VERBOSE) vmtest --base all --config rt $(VMFLAGS)
	$(Q)$(XPSGEN) $(VERBOSE) vmtest --config rt --config bhlock $(VMFLAGS)
	$(Q)$(XPSGEN) $(VERBOSE) mutants --base all --config rt sleeps-where-it-must-not

vmtest-kcsan: deps
	$(Q)$(XPSGEN) $(VERBOSE) vmtest --base all --config kcsan $(VMFLAGS)
	$(Q)$(XPSGEN) $(VERBOSE) mutants --base all --config kcsan counts-without-a-lock

# The suite on the patched kernel of other architectures.
vmtest-arches: deps
	$(Q)for a in $(OTHER_ARCHES); do \
		$(XPSGEN) $(VERBOSE) deps --for $$a && \
		$(XPSGEN) $(VERBOSE) vmtest --arch $$a $(VMFLAGS) $(SEEDFLAGS) || exit 1; done

# Tests that take hours and are not in test. Each is a target; add new ones here.
LONG_TESTS = seeds bench-policies vmtest-debug vmtest-rt vmtest-kcsan vmtest-arches stock mutants mutate reach prove prove-mutants series series-real ten-days bisect fuzz fuzz-ip objects-mutants ip-testsuite ip-warnings edits defects stress fuzz-headers verify-uapi ports bare-debian full peers act engines nipa syz

test-long: test-long-needs $(LONG_TESTS)

# Without a clone, fail now and not after hours.
test-long-needs: FORCE
	$(Q)test -n "$(NIPA)" || { echo "make test-long: give NIPA=, a clone of https://github.com/linux-netdev/nipa" >&2; exit 2; }
	$(Q)test -n "$(SYZKALLER)" || { echo "make test-long: give SYZKALLER=, a clone of https://github.com/google/syzkaller" >&2; exit 2; }

bench: deps
	$(Q)$(XPSGEN) $(VERBOSE) bench $(TREEFLAGS)

bench-check: deps
	$(Q)$(XPSGEN) $(VERBOSE) bench --check $(TREEFLAGS)

# Use test runs, which take any mark and frame. bench sends only packets of sockets.
bench-policies: deps
	$(Q)$(GO) test -count 1 -v -run TestInstructions -exec '$(abspath $(XPSGEN)) vm run --icount --env XPS_TEST_REQUIRE=icount $(TREEFLAGS) --' ./bpf

bench-vm: deps
	$(Q)$(XPSGEN) $(VERBOSE) vm bench $(VMFLAGS)

bench-build: deps
	$(Q)$(XPSGEN) $(VERBOSE) vm bench-build $(TREEFLAGS)

report: $(XPSGEN)
	$(Q)$(XPSGEN) $(VERBOSE) report

report-test: $(XPSGEN)
	$(Q)$(XPSGEN) $(VERBOSE) deps --for report
	$(Q)XPS_TEST_REQUIRE=report $(GO) test -count=1 ./vmtest/report

# Build 60 random edits of the kernels twice. About half an hour of CPU time.
edits: deps
	$(Q)XPS_TEST_REQUIRE=edits $(if $(SEED),XPS_TEST_SEED=$(SEED)) $(if $(BASE),XPS_TEST_BASE=$(BASE)) \
		$(GO) test -count 1 -timeout 0 -v -run TestEdits ./vmtest/build

# Inject defects into the Go code, which SEED selects. Each takes minutes.
defects: deps
	$(Q)$(GO) run ./gen/cmd/defects $(if $(SEED),-seed $(SEED)) $(if $(N),-n $(N)) $(if $(GUEST),-guest)

# go test fuzzes one target at a time. By default it minimizes the first interesting
# input for a minute.
fuzz:
	$(Q)grep -rl --include='*_test.go' '^func Fuzz' bpf gen vmtest | while read f; do \
		for t in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' $$f); do \
			echo "fuzz $$t in $$(dirname $$f)" >&2; \
			$(GO) test -run '^$$' -fuzz "^$$t\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s ./$$(dirname $$f) || exit 1; \
		done; done

# About 12 minutes of CPU time for 2000 headers.
fuzz-headers: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for bindings
	$(Q)XPS_TEST_REQUIRE=uapi XPS_TEST_SEED=$(or $(SEED),new) XPSGEN_FUZZ_HEADERS=$(HEADERS) $(GO) test -count 1 -timeout 0 -v -run TestRandomHeaders ./gen/uapi

# About 15 minutes of CPU time.
UAPI_TARGETS = amd64,386,arm64,arm,s390x,riscv64,mips64,ppc64le
verify-uapi: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for bindings
	$(Q)$(XPSGEN) $(VERBOSE) uapi verify --all --cc gcc,clang --arch $(UAPI_TARGETS) $(UAPIFLAGS)

bare-debian: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for bindings
	$(Q)XPS_TEST_REQUIRE=debian $(GO) test -count 1 -timeout 60m -v -run TestBareDebian ./gen/cmd/xpsgen

# Fuzz both loaders of each base, as many at a time as there are CPUs.
ALL_BASES = $(shell sed -n '/^\[\[base\]\]/,/^name/s/^name = "\(.*\)"/\1/p' kernel-patches/series.toml)
fuzz-ip: deps
	$(Q)$(XPSGEN) $(VERBOSE) deps --for fuzz-ip
	$(Q)vmtest/ipobjects/fuzz/run.sh $(abspath $(XPSGEN)) '$(or $(filter-out all,$(BASE)),$(ALL_BASES))' $(FUZZTIME) $(or $(SEED),0) $(abspath out)/fuzz-ip

ports: deps
	$(Q)XPS_TEST_REQUIRE=ports $(GO) test -count 1 -timeout 30m -v -run TestPorts ./gen/uapi

clean:
	$(Q)rm -rf bin out

# What can be done in a checkout. Every target sets up what it needs; the work itself is done by tools/.

.DEFAULT_GOAL := help
.PHONY: help venv packages demo test unit kernel modules fleet lint sanity build bench format lock clean

# Where Debian has ip and ipvsadm, and an ordinary user's PATH does not look.
export PATH := $(PATH):/usr/sbin:/sbin

# The lab's kernel, with the compiler that it needs on some CPUs; what the tests send traffic by and compare with, who
# scrapes the daemon, who reads its manual page, and what makes the hosts of the fleet.
PACKAGES := user-mode-linux gcc libc6-dev kmod mount util-linux iproute2 iptables nftables ipvsadm keepalived curl lksctp-tools git \
	prometheus groff-base zsh fish debootstrap debian-archive-keyring dpkg-dev e2fsprogs openssh-client

help: ## what there is
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 12

demo: venv packages ## see it work, in a kernel of its own
	@playbooks/demo/run

test: venv packages ## everything below up to `build`
	@.venv/bin/python tools/gates.py

unit: venv packages ## tests without a kernel, those of the modules also on the oldest Python at hand
	@.venv/bin/python tools/gates.py unit daemon unit-oldest

kernel: venv packages ## tests against a real IPVS, and those of the lab that gives it
	@.venv/bin/python tools/gates.py kernel daemon-kernel nftables lab

modules: venv packages ## the modules by ansible-playbook, against a real IPVS
	@.venv/bin/python tools/gates.py modules

fleet: venv packages ## the roles and playbooks, on systemd hosts over ssh; of Debian 13: make fleet RELEASE=trixie
	@FLEET_RELEASE=$(RELEASE) .venv/bin/python tools/gates.py fleet

lint: venv ## form, types, documentation, changelog
	@.venv/bin/python tools/gates.py format ruff types changelog docs ansible-lint

sanity: venv ## ansible-test sanity, on every Python at hand
	@.venv/bin/python tools/gates.py sanity

build: venv ## dist/*.tar.gz, installed, verified and imported on trial
	@.venv/bin/python tools/gates.py package

bench: venv packages ## how fast, compared with others
	@bench/run

format: venv ## put the Python files into form
	@.venv/bin/ruff check --select I --fix --quiet
	@.venv/bin/ruff format

venv: ## .venv with the project's commands
	@tools/venv

packages: ## the Debian packages that the lab needs
	@tools/packages $(PACKAGES)

lock: ## resolve the project's commands anew: requirements-dev.txt
	@tools/lock

clean: ## away with all that can be made again
	rm -rf .venv dist build ipvsman.egg-info .ansible .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# What can be done in a checkout. Every target sets up what it needs; the work itself is done by tools/.

.DEFAULT_GOAL := help
.PHONY: help setup packages venv

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

venv: ## .venv with the project's commands
	@tools/venv

"""The conformance kit: targets, adapters, scenarios, the runner, suites and the command line."""

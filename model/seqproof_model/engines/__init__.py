"""The engines: explorer, prover, simulator, liveness. All of them run the one definition; none holds a rule of its own."""

"""The engines: explorer, prover, simulator, liveness. All run the one definition; none holds a rule of its own."""

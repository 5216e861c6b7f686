"""The protocol: one definition, its requirements, the histories, the judge. Knows no server and no other package."""

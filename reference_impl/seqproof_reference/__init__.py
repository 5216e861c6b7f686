"""A correct server on a real store, and its faulty twins."""

"""Who agreed to what: a ledger with evidence, the state folded from it, suppressions, and the words that change it."""

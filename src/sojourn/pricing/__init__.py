"""What a message costs: dated policies, rate cards and the map from numbers to markets."""

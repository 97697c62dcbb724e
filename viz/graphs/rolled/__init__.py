"""The network folded in time: one node per role, recurrent edges with their lags."""

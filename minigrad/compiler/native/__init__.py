"""Calls -> C: native code in place of most calls of a plan, where a compiler is installed."""

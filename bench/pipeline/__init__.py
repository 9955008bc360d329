"""From a cell to its record: the stages fit, derive, encode and evaluate, and the store that keeps what they give."""

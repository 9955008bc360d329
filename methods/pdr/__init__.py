"""PDR: physically disentangled representations learned by inverse rendering (Klinghoffer et al., 2022)."""

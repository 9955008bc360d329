"""The harness: what is asked for, how it is run, and what is made of the results."""

from bench.siblings import claim

claim()

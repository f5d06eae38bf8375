"""The judge, who holds the checks, and the worker, in whose sandbox a learner's code runs; and what crosses between."""

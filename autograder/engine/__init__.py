"""The grading engine: a class of hand-ins on one machine or many, each grade kept as soon as it is known."""

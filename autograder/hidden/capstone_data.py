"""The capstone's set for grading, which no learner receives, nor the seed that it is drawn with.

    python -m autograder.hidden.capstone_data

draws and computes it again (about two minutes). For a set that nobody has seen, draw another seed first:
`python -c "import secrets; print(secrets.randbits(120))"`. With 250 cases to test on, chance moves a score by
hundredths; of six sets drawn, this is the one that gives every right answer of the tests' catalogue all points.
"""

from pathlib import Path

from autograder.capstone_data import make

GRADING = Path(__file__).with_name("capstone.npz")
# Too large to be tried out: the features of a case, which graded code sees, would tell the right one.
SEED = 965_292_528_182_340_145_202_652_477_209_283_517

if __name__ == "__main__":
    make(GRADING, SEED)

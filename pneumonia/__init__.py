"""The course's library: data, VGG16, features, training, evaluation, plots.

Nothing here is meant for diagnosis: it teaches how such a classifier is built and judged.
"""

import os

# TensorFlow reads these once, when it is first imported, so they are set before any module here can import it.
# Its C++ log would otherwise fill notebooks (and, under nbgrader, cost points: anything on stderr scores 0).
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# oneDNN's kernels are off by default on some processors, where they are about 20% faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

"""Reads all files below a folder, so that they are in the page cache. A kernel may take out what lay idle for a minute, and which of
two programs then reads the disk is chance.
"""

import os
import sys

buffer = bytearray(1 << 20)
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path):
            continue
        fd = os.open(path, os.O_RDONLY)
        while os.readv(fd, [buffer]):
            pass
        os.close(fd)

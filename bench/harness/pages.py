"""`pages.py read|forget FOLDER`: brings the files below a folder into the page cache, or takes them out of it.

Read: a kernel may take out what lay idle for a minute, and which of two programs then reads the disk is chance. Forget: benchmarks
keep gigabytes that nobody reads again; once they fill the memory, the kernel has to make room while the next command runs, which
takes a core from it.
"""

import os
import sys

buffer = bytearray(1 << 20)


def read(fd):
    while os.readv(fd, [buffer]):
        pass


def forget(fd):
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)


act = {"read": read, "forget": forget}[sys.argv[1]]
for folder, _, names in os.walk(sys.argv[2]):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path):
            continue
        fd = os.open(path, os.O_RDONLY)
        act(fd)
        os.close(fd)

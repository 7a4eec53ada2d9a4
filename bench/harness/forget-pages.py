"""Takes what lies below a folder out of the page cache. Benchmarks keep gigabytes that nobody reads again; once they fill the
memory, the kernel has to make room while the next command runs, which takes a core from it.
"""

import os
import sys

for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        path = os.path.join(folder, name)
        if os.path.islink(path):
            continue
        fd = os.open(path, os.O_RDONLY)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)

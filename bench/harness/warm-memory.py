"""Touches so many bytes of memory and gives them back: what runs next gets pages that are there.

The host of a virtual machine takes pages that lie idle, and the first touch of one takes eight times as long as any other.
"""

import mmap
import sys

mmap.mmap(-1, int(sys.argv[1]), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()

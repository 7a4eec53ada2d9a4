"""Runs one command and writes what it took as JSON: seconds of wall time, CPU seconds of the process itself and of
the process with all it waited for, peak resident KiB, exit code.

The parent must be small: between fork and exec a child's peak memory is its parent's.
"""

import json
import os
import sys
import time

result_path, out_path, err_path, folder = sys.argv[1:5]
argv = sys.argv[5:]
ticks = os.sysconf("SC_CLK_TCK")


def spawn():
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, out_path, write, 0o644),
        (os.POSIX_SPAWN_OPEN, 2, err_path, write, 0o644),
    ]
    return os.posix_spawnp(argv[0], argv, os.environ, file_actions=actions)


os.chdir(folder)
start = time.perf_counter()
pid = spawn()
# A zombie still has its own times; once it is waited for, only the sum with its children is left.
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
wall = time.perf_counter() - start
with open(f"/proc/{pid}/stat") as stat:
    fields = stat.read().rpartition(")")[2].split()
own = (int(fields[11]) + int(fields[12])) / ticks
_, status, usage = os.wait4(pid, 0)
with open(result_path, "w") as result:
    json.dump(
        {
            "wall": wall,
            "own": own,
            "all": usage.ru_utime + usage.ru_stime,
            "peak": usage.ru_maxrss,
            "code": os.waitstatus_to_exitcode(status),
        },
        result,
    )

"""Runs one command and writes what it took as JSON: seconds of wall time, CPU seconds of the process itself (with the
helpers that end when it does) and of these with all they waited for, peak resident KiB, exit code.

The parent must be small: between fork and exec a child's peak memory is its parent's.
"""

import ctypes
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


def own_times(pid):
    """CPU seconds of a zombie; once it is waited for, only the sum with its children is left."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / ticks


def helper_times():
    """CPU seconds, own and with all they waited for, of helpers that end soon after; a daemon is left alone."""
    own = every = 0.0
    give_up = time.perf_counter() + 0.5
    while time.perf_counter() < give_up:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
        except ChildProcessError:
            break
        if ended is None:
            time.sleep(0.005)
            continue
        own += own_times(ended.si_pid)
        usage = os.wait4(ended.si_pid, 0)[2]
        every += usage.ru_utime + usage.ru_stime
    return own, every


PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
os.chdir(folder)
start = time.perf_counter()
pid = spawn()
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
wall = time.perf_counter() - start
own = own_times(pid)
_, status, usage = os.wait4(pid, 0)
helpers_own, helpers_all = helper_times()
with open(result_path, "w") as result:
    json.dump(
        {
            "wall": wall,
            "own": own + helpers_own,
            "all": usage.ru_utime + usage.ru_stime + helpers_all,
            "peak": usage.ru_maxrss,
            "code": os.waitstatus_to_exitcode(status),
        },
        result,
    )

"""Runs a program in a terminal of its own, which closes when this process ends. Prints the program's pid."""

import os
import pty
import sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
print(pid, flush=True)
try:
    while os.read(terminal, 65536):
        pass
except OSError:
    pass

"""Runs a command in which a call of the system is blocked.

Usage: without_call.py NUMBER COMMAND... A filter of system calls (seccomp)
answers EPERM to the call of this number, as Docker does by default to
io_uring_setup, which has the number 425 on every processor. It lets everything
else through.
"""

import ctypes
import os
import struct
import sys

LOAD_NUMBER = 0x20  # BPF_LD | BPF_W | BPF_ABS, of offset 0
JUMP_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
RETURN = 0x06
ALLOW = 0x7FFF0000
FAIL = 0x00050000  # and the error
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2

PROGRAM = b"".join(
    struct.pack("HBBI", *instruction)
    for instruction in [
        (LOAD_NUMBER, 0, 0, 0),
        (JUMP_EQUAL, 0, 1, int(sys.argv[1])),
        (RETURN, 0, 0, FAIL | 1),
        (RETURN, 0, 0, ALLOW),
    ]
)


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_char_p)]


libc = ctypes.CDLL(None, use_errno=True)
libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
block = Filter(len(PROGRAM) // 8, PROGRAM)
for request in [
    (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
    (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(block), 0, 0),
]:
    if libc.prctl(*request) != 0:
        sys.exit(f"prctl failed: {os.strerror(ctypes.get_errno())}")
os.execvp(sys.argv[2], sys.argv[2:])

"""Starts a role of PyPI's shadowsocks-fixed where its look for libraries fails.

Usage: python python_peer.py server|local OPTIONS

ctypes.util.find_library() falls over the static libcrypto of a machine with a
compiler, so the two libraries that are wanted are named here.
"""

import ctypes.util
import importlib
import sys

LIBRARIES = {"crypto": "libcrypto.so.3", "sodium": "libsodium.so.23"}
ctypes.util.find_library = LIBRARIES.get

role = sys.argv.pop(1)
importlib.import_module("shadowsocks." + role).main()

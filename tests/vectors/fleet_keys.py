"""Prints the vectors of tests/unit/adapters/fleet/fleet_keys_test.ts.

The arguments are key, nonce and key password in hex, as that test makes them.
Needs the package `cryptography`.
"""
import base64
import hashlib
import hmac
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

key, nonce, raw = (bytes.fromhex(word) for word in sys.argv[1:4])


def of(purpose):
    return HKDF(
        algorithm=hashes.SHA256(),
        length=32,
        salt=b"umbra fleet",
        info=purpose.encode(),
    ).derive(key)


def seal(first, plain):
    whose = "0011223344556677\0" "8388/alice\0" "k\0" "7"
    data = bytes([first]) + whose.encode()
    sealed = AESGCM(of("seal")).encrypt(nonce, plain, data)
    return (bytes([first]) + nonce + sealed).hex()


key_id = of("id")[0] & 0x7F
print("key", seal(key_id, raw))
print("text", seal(key_id | 0x80, "correct horse, größer".encode()))
mark = hmac.new(of("mark"), b"8388/alice\0" b"192.0.2.1", hashlib.sha256)
print("mark", base64.urlsafe_b64encode(mark.digest()).decode()[:11])
print("check", base64.urlsafe_b64encode(of("check")[:16]).decode().rstrip("="))

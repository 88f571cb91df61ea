"""Sends one datagram to 10.66.0.2:8000 by a SOCKS5 association; prints what
comes back."""
import socket
import struct

control = socket.create_connection(("127.0.0.1", 1080))
control.sendall(b"\5\1\0")
control.recv(2)
control.sendall(b"\5\3\0\1\0\0\0\0\0\0")
reply = control.recv(10)
relay = (socket.inet_ntoa(reply[4:8]), struct.unpack(">H", reply[8:10])[0])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(5)
target = b"\0\0\0\1" + socket.inet_aton("10.66.0.2") + struct.pack(">H", 8000)
sock.sendto(target + b"echo\n", relay)
print(sock.recv(4096)[10:].decode(), end="")

"""Opens many connections to port 8000 of a host, holds all, and prints how many
were answered while all were open."""
import resource
import socket
import sys

host, count = sys.argv[1], int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
held = []
for _ in range(count):
    connection = socket.create_connection((host, 8000), timeout=20)
    connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
    held.append(connection)
answered = 0
for connection in held:
    text = b""
    while b"begun" not in text:
        more = connection.recv(4096)
        if not more:
            break
        text += more
    answered += b"begun" in text
print(answered)

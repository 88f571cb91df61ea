"""What tests in namespaces reach: HTTP on 8000 (`/slow` never ends), a port
8001 that speaks first, and UDP on 8000 and 53 that answers with what it got."""
import socket
import threading


def serve(port, handle):
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    listener.listen(1024)

    def accept():
        while True:
            threading.Thread(target=handle, args=listener.accept()).start()

    threading.Thread(target=accept).start()


def answer(connection, peer):
    request = connection.recv(4096)
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    if request.startswith(b"GET /slow "):
        connection.sendall(head + b"\r\nbegun\n")
        connection.recv(1)
    elif request.startswith(b"GET /who "):
        body = peer[0].removeprefix("::ffff:").encode()
        length = b"Content-Length: %d\r\n\r\n" % len(body)
        connection.sendall(head + length + body)
    else:
        connection.sendall(head + b"Content-Length: 6\r\n\r\nhello\n")
    connection.close()


def speak(connection, _peer):
    connection.sendall(b"speaks first\n")
    connection.close()


def echo(port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", port))

    def answer_all():
        while True:
            data, peer = sock.recvfrom(65535)
            if port == 53:
                # A DNS answer: the question with one address, 192.0.2.53.
                end = data.index(b"\0", 12) + 5
                data = (
                    data[:2]
                    + b"\x81\x80\0\1\0\1\0\0\0\0"
                    + data[12:end]
                    + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x35"
                )
            sock.sendto(data, peer)

    threading.Thread(target=answer_all).start()


serve(8000, answer)
serve(8001, speak)
echo(8000)
echo(53)
print("ready")

"""CPython's http.server and urllib.request as they are, over the sockets of WASI: `serve [ADDRESS] PORT`, or `get URL`,
whose body goes to standard error; or sockets of its own. `echo ADDRESS PORT` sends datagrams back; `ask HOST PORT TEXT`
sends one, and prints the answer; `send HOST PORT BYTES`; `leave HOST PORT BYTES` sends to the port and to the next one,
closes the one connection, and returns with the other one open.

Built with componentize-py, composed with build/component/sockets.wasm; docs/guide/component.md has the commands.
"""

import encodings.idna  # Modules are found when the component is built, not when it runs.
import http.server
import socket
import stringprep
import sys
import urllib.error
import urllib.request

from wit_world import exports

left = []  # These sockets nobody closes.


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


HANDLER = http.server.SimpleHTTPRequestHandler
USAGE = (
    "usage: app serve [ADDRESS] PORT | get URL | echo ADDRESS PORT | ask HOST PORT TEXT | send HOST PORT BYTES"
    " | leave HOST PORT BYTES"
)


class Run(exports.Run):
    def run(self):
        match sys.argv[1:]:
            case ["serve", port]:
                http.server.test(HANDLER, http.server.HTTPServer, port=int(port), bind="0.0.0.0")
            case ["serve", address, port]:
                http.server.HTTPServer.address_family = family(address)
                http.server.test(HANDLER, http.server.HTTPServer, port=int(port), bind=address)
            case ["get", url]:
                try:
                    with urllib.request.urlopen(url, timeout=10) as response:
                        sys.stderr.write(response.read().decode())
                except urllib.error.URLError as e:
                    sys.exit(f"{url}: {e.reason}")
            case ["echo", address, port]:
                with socket.socket(family(address), socket.SOCK_DGRAM) as here:
                    here.bind((address, int(port)))
                    sys.stderr.write(f"echo at {here.getsockname()}\n")
                    while True:
                        here.sendto(*here.recvfrom(65536))
            case ["ask", host, port, text]:
                with socket.socket(family(host), socket.SOCK_DGRAM) as here:
                    here.settimeout(10)
                    here.connect((host, int(port)))
                    here.sendall(text.encode())
                    sys.stderr.write(f"{here.recv(65536).decode()} from {here.getpeername()}\n")
            case ["send", host, port, size]:
                with socket.create_connection((host, int(port))) as connection:
                    connection.sendall(bytes(i % 251 for i in range(int(size))))
            case ["leave", host, port, size]:
                data = bytes(i % 251 for i in range(int(size)))
                left.append(socket.create_connection((host, int(port) + 1)))
                left[0].sendall(data)
                with socket.create_connection((host, int(port))) as connection:
                    connection.sendall(data)
            case _:
                sys.exit(USAGE)

"""CPython's http.server and urllib.request as they are, over the sockets of WASI: `serve PORT`, or `get URL`, whose body goes to
standard error; or sockets of its own: `send HOST PORT BYTES`; `leave HOST PORT BYTES` sends to the port and to the next one, closes the one
connection, and returns with the other one open.

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


class Run(exports.Run):
    def run(self):
        match sys.argv[1:]:
            case ["serve", port]:
                http.server.test(http.server.SimpleHTTPRequestHandler, http.server.HTTPServer, port=int(port), bind="0.0.0.0")
            case ["get", url]:
                try:
                    with urllib.request.urlopen(url, timeout=10) as response:
                        sys.stderr.write(response.read().decode())
                except urllib.error.URLError as e:
                    sys.exit(f"{url}: {e.reason}")
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
                sys.exit("usage: app serve PORT | app get URL | app send HOST PORT BYTES | app leave HOST PORT BYTES")

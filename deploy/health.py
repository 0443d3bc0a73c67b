"""The health check of every image: exit 0 when `/<first path segment>/health/ready` answers 200 within 3 s.

`python -IS health.py <path>`. Over a bare socket: a check every few seconds must not import an HTTP client each time.
"""

import os
import socket
import sys

PORT = int(os.environ.get("TRAMA_HTTP_PORT", "8000"))
with socket.create_connection(("127.0.0.1", PORT), timeout=3) as connection:
    connection.sendall(f"GET {sys.argv[1]} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
    answer = connection.recv(64)
sys.exit(answer.split(b" ", 2)[1:2] != [b"200"])

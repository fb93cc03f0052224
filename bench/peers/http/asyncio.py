"""Parses as little as page.hpp."""
import asyncio

import server

REQUEST_LINE = b"GET / HTTP/1.1\r\n"
REPLY = b"HTTP/1.1 200 OK\r\nServer: weft\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n"


class Page(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.unread = b""

    def data_received(self, data):
        *requests, self.unread = (self.unread + data).split(b"\r\n\r\n")
        if not all((request + b"\r\n").startswith(REQUEST_LINE) for request in requests) or len(self.unread) >= 4096:
            self.transport.close()
        elif requests:
            self.transport.write(REPLY * len(requests))


server.serve(Page)

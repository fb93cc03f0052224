"""How a Python server of bench/peers/ is run. The rules are those of server.hpp."""
import asyncio
import sys

import passes


async def accept(protocol):
    listener = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    print(f"listening on 127.0.0.1:{listener.sockets[0].getsockname()[1]}", flush=True)
    await listener.serve_forever()


def serve(protocol):
    """The whole program: a new protocol() for each connection."""
    if len(sys.argv) != 2 or passes.number(sys.argv[1], "LOOPS") != 1:
        sys.stderr.write("expected LOOPS 1\n")
        sys.exit(2)
    passes.choose_event_loop()
    asyncio.run(accept(protocol))

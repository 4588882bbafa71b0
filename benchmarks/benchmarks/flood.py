"""``python -m benchmarks.flood PORT SECONDS``: wrong passwords for 200 accounts from 200 networks of this machine.

Each guesser has a loopback address in a /24 of its own and sends one sign-in a second for an account of its own. It
stops by itself, and prints how many answers of each status there were as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

GUESSERS = 200


def address_of(number: int) -> str:
    """Return the e-mail address of the account that a guesser tries."""
    return f"flooded{number}@example.org"


async def _guess(number: int, port: int, answers: Counter[str]) -> None:
    """Send one sign-in over a connection of its own, and count what is answered."""
    body = json.dumps({"email": address_of(number), "password": "not the password"}).encode()
    head = (
        f"POST /api/v1/auth/sign-in HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    local = (f"127.1.{number}.1", 0)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=local)
        writer.write(head.encode() + body)
        status = (await reader.read()).split(b" ", 2)[1].decode()
        writer.close()
    except (OSError, IndexError):
        status = "no answer"
    answers[status] += 1


async def flood(port: int, seconds: int) -> Counter[str]:
    """Send GUESSERS sign-ins a second for *seconds*, whether or not earlier ones were answered."""
    answers: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    began = loop.time()
    tasks = []
    for number in range(GUESSERS * seconds):
        await asyncio.sleep(max(0.0, began + number / GUESSERS - loop.time()))
        tasks.append(asyncio.create_task(_guess(number % GUESSERS, port, answers)))
    _, pending = await asyncio.wait(tasks, timeout=1)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    answers["unanswered at the end"] = len(pending)
    return answers


if __name__ == "__main__":
    print(json.dumps(asyncio.run(flood(int(sys.argv[1]), int(sys.argv[2])))))

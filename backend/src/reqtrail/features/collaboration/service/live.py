"""The sockets of this process: they say who they are, watch projects, and are closed when they may no longer be there.

Whether a socket may stay is asked of the database every :data:`CHECK_SECONDS`, by the query that admits requests: so
whatever ends a sign-in or a role ends what is told, with Redis or without. A room tells nobody whose check is too old,
and if nobody can be asked for :data:`TRUST_SECONDS`, the socket is closed.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.features.access.public import Permission, ProjectContext, authorise
from reqtrail.features.collaboration.errors import (
    HelloLate,
    MessageInvalid,
    NoHello,
    NotVerifiable,
    SignInEnded,
    SocketEnds,
    TooManyMessages,
    TooManySockets,
    WatchesTooMuch,
)
from reqtrail.features.collaboration.schemas import (
    Away,
    Follow,
    Hello,
    Here,
    Incoming,
    Unfollow,
    Unwatch,
    Watch as WatchMessage,
)
from reqtrail.features.collaboration.service.follows import Follows
from reqtrail.features.collaboration.service.presence import PresenceBoard
from reqtrail.features.collaboration.service.rooms import Rooms, Watch
from reqtrail.features.collaboration.service.socket import (
    Socket,
    close,
    parse,
    problem,
    project_of,
    tell,
    write_out,
)
from reqtrail.features.collaboration.types import Disconnected, Presence, Transport
from reqtrail.features.identity.public import (
    Credential,
    TokenInvalid,
    TokenSigner,
    authenticate,
    read_credential,
)
from reqtrail.kit import clock
from reqtrail.kit.errors import ReqtrailError
from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.bells import Bells
from reqtrail.platform.database.engine import Database
from reqtrail.platform.metrics import SOCKETS
from reqtrail.platform.jobs.changes import ring_changes
from reqtrail.platform.jobs.queue import on_queued
from reqtrail.platform.notices import on_commit

logger = structlog.get_logger()

HELLO_SECONDS: Final = 10.0
CHECK_SECONDS: Final = 2.0
CHECKS_AT_ONCE: Final = 6
"""Fewer than the connections of the pool, which requests need."""
END_SECONDS: Final = 0.5
ASK_SECONDS: Final = 2.0
"""How long the database has to say whether a socket may stay."""
TRUST_SECONDS: Final = 10.0
MOST_WATCHED: Final = 8
MOST_SOCKETS: Final = 50
"""Of one account in this process."""
MESSAGES_A_SECOND: Final = 20.0
MESSAGES_AT_ONCE: Final = 60
WATCH_COST: Final = 5
"""A watch counts as so many messages more: it asks the database several times."""


class Live:
    """All sockets of this process.

    Args:
        redis: What connects the processes; None leaves this one alone.
    """

    def __init__(self, database: Database, redis: Redis | None, signer: TokenSigner) -> None:
        self.bells = Bells(redis)
        self._database = database
        self._signer = signer
        self._board = PresenceBoard(redis, self.bells)
        self._rooms = Rooms(database, self.bells, self._board)
        self._follows = Follows(database, self.bells)
        self._sockets: dict[str, Socket] = {}
        self._of_account: Counter[UUID] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to listen and to check."""
        self._ends.append(
            on_commit(self._database, lambda project_id: self.bells.ring("commits", project_id))
        )
        self._ends.append(
            on_queued(self._database, lambda project_id: self.bells.ring("jobs", project_id))
        )
        self._ends.append(ring_changes(self._database, self.bells))
        self.bells.start()
        self._board.start()
        self._rooms.start()
        self._tasks = [
            keep_running(self._keep_checking, "live-check"),
            keep_running(self._keep_ending, "live-end"),
        ]

    async def stop(self) -> None:
        """End everything; the server has closed the connections already."""
        for end in self._ends:
            end()
        for task in self._tasks:
            await end_task(task)
        await self._follows.stop()
        await self._rooms.stop()
        await self._board.stop()
        await self.bells.stop()

    async def serve(self, transport: Transport) -> None:
        """Serve one connection until it ends."""
        try:
            socket = await self._greet(transport)
        except Disconnected:
            return
        except SocketEnds as refusal:
            await close(transport, refusal)
            return
        structlog.contextvars.bind_contextvars(actor=str(socket.actor.user_id))
        logger.info("socket_opened", socket=socket.socket_id)
        began = time.monotonic()
        try:
            reason = await self._converse(socket)
        finally:
            await self._forget(socket)
        if reason is not None:
            await close(transport, reason)
        logger.info(
            "socket_closed",
            socket=socket.socket_id,
            why=reason.code if reason else "left",
            seconds=round(time.monotonic() - began, 1),
        )

    async def _greet(self, transport: Transport) -> Socket:
        try:
            async with asyncio.timeout(HELLO_SECONDS):
                message = parse(await transport.receive())
        except TimeoutError:
            raise HelloLate("Send hello with a token first.") from None
        except MessageInvalid as error:
            raise NoHello(error.detail) from None
        if not isinstance(message, Hello):
            raise NoHello("Send hello with a token first.")
        try:
            credential = await read_credential(self._signer, message.token, "api")
            good_until = self._signer.end_of(message.token)
            async with asyncio.timeout(ASK_SECONDS), self._database.read_session() as session:
                actor = await authenticate(session, credential, limited=True)
        except TokenInvalid as error:
            raise SignInEnded(error.detail) from None
        except (SQLAlchemyError, OSError):
            raise NotVerifiable("The database is away. Try again.") from None
        if self._of_account[actor.user_id] >= MOST_SOCKETS:
            raise TooManySockets("Close some of your other windows.")
        socket = Socket(transport, credential, actor, good_until)
        self._sockets[socket.socket_id] = socket
        SOCKETS.inc()
        self._of_account[actor.user_id] += 1
        socket.mailbox.reply(
            {"type": "welcome", "socket": socket.socket_id, "user_id": actor.user_id}
        )
        return socket

    async def _forget(self, socket: Socket) -> None:
        del self._sockets[socket.socket_id]
        SOCKETS.dec()
        self._of_account[socket.actor.user_id] -= 1
        if not self._of_account[socket.actor.user_id]:
            del self._of_account[socket.actor.user_id]
        await self._follows.leave(socket.socket_id)
        for watch in list(socket.watched.values()):
            await self._unwatch(socket, watch)

    async def _converse(self, socket: Socket) -> SocketEnds | None:
        """Read and write until one of them ends; return why the server ends it, None if the other side did."""
        reading = asyncio.create_task(self._read(socket), name="socket-read")
        writing = asyncio.create_task(write_out(socket), name="socket-write")
        try:
            ends: set[asyncio.Future[Any]] = {reading, writing, socket.ended}
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (reading, writing):
                await end_task(task)
        if socket.ended.done():
            return socket.ended.result()
        for task in (reading, writing):
            error = None if task.cancelled() else task.exception()
            if isinstance(error, SocketEnds):
                return error
            if error is not None and not isinstance(error, Disconnected):
                raise error
        return None

    async def _read(self, socket: Socket) -> None:
        room, at = float(MESSAGES_AT_ONCE), time.monotonic()
        while True:
            text = await socket.transport.receive()
            now = time.monotonic()
            room = min(MESSAGES_AT_ONCE, room + (now - at) * MESSAGES_A_SECOND) - 1
            at = now
            if room < 0:
                raise TooManyMessages("Send fewer messages.")
            try:
                message = parse(text)
                if isinstance(message, WatchMessage | Follow):
                    room -= WATCH_COST
                await self._handle(socket, message)
            except SocketEnds:
                raise
            except TokenInvalid as error:
                raise SignInEnded(error.detail) from None
            except ReqtrailError as error:
                socket.mailbox.reply(problem(error, project_of(text)))
            except (SQLAlchemyError, OSError) as error:
                # Only what is asked of the database comes here: whoever is not told must know, and come again.
                logger.warning("socket_message_failed", error=type(error).__name__)
                raise NotVerifiable("The database is away. Try again.") from None

    async def _handle(self, socket: Socket, message: Incoming) -> None:
        if isinstance(message, WatchMessage):
            await self._watch(socket, message)
        elif isinstance(message, Hello):
            raise MessageInvalid("This socket has said who it is.")
        elif isinstance(message, Here):
            watch = self._watched(socket, message.project)
            if watch.sees_people:
                actor = socket.actor
                self._board.put(
                    watch.context.project_id,
                    Presence(socket.socket_id, actor.user_id, actor.display_name, message.place),
                )
        elif isinstance(message, Away):
            watch = self._watched(socket, message.project)
            self._board.drop(watch.context.project_id, socket.socket_id)
        elif isinstance(message, Unwatch):
            if found := socket.watched.get(message.project):
                await self._unwatch(socket, found)
        elif isinstance(message, Follow):
            self._follows.begin(socket, message)
        elif isinstance(message, Unfollow):
            await self._follows.end(socket, message)
        else:
            socket.mailbox.reply({"type": "pong"})

    async def _watch(self, socket: Socket, message: WatchMessage) -> None:
        if before := socket.watched.get(message.project):
            await self._unwatch(socket, before)
        if len(socket.watched) >= MOST_WATCHED:
            raise WatchesTooMuch(f"A socket watches {MOST_WATCHED} projects at most.")
        context = await self._admit(socket.credential, message.project)
        watch = Watch(context, socket.mailbox)
        socket.watched[message.project] = watch
        try:
            newest = await self._rooms.of(context.project_id).enter(watch, message.since)
        except BaseException:
            await self._unwatch(socket, watch)
            raise
        socket.mailbox.reply({"type": "watching", "project": message.project, "seq": newest})

    def _watched(self, socket: Socket, key: str) -> Watch:
        watch = socket.watched.get(key)
        if watch is None:
            raise MessageInvalid("Watch the project first.")
        return watch

    async def _unwatch(self, socket: Socket, watch: Watch) -> None:
        socket.watched.pop(watch.key, None)
        socket.mailbox.forget(watch.key)
        self._board.drop(watch.context.project_id, socket.socket_id)
        await self._rooms.leave(watch)

    async def _admit(self, credential: Credential, key: str) -> ProjectContext:
        """Return the project as *credential* sees it now.

        Raises:
            ReqtrailError: If it does not.
        """
        async with asyncio.timeout(ASK_SECONDS), self._database.read_session() as session:
            return await authorise(session, credential, key, Permission.HISTORY_READ, whole=False)

    async def _keep_checking(self) -> None:
        """Begin a check of each credential now and then, unless its last one goes on: nobody waits for another's."""
        turns = asyncio.Semaphore(CHECKS_AT_ONCE)
        going_on: dict[Credential, asyncio.Task[None]] = {}

        async def check(credential: Credential, sockets: list[Socket]) -> None:
            try:
                async with turns:
                    await self._check(credential, sockets)
            finally:
                del going_on[credential]

        async with asyncio.TaskGroup() as group:
            while True:
                await asyncio.sleep(CHECK_SECONDS)
                for credential, sockets in self._by_credential().items():
                    if credential not in going_on:
                        going_on[credential] = group.create_task(check(credential, sockets))

    async def _keep_ending(self) -> None:
        """End sockets whose token has ended, and those that nobody could check for too long; this asks nobody."""
        while True:
            await asyncio.sleep(END_SECONDS)
            for socket in list(self._sockets.values()):
                if socket.good_until is not None and clock.now().timestamp() > socket.good_until:
                    socket.end(SignInEnded("The token has ended. Come again with a new one."))
                elif time.monotonic() - socket.checked_at > TRUST_SECONDS:
                    socket.end(NotVerifiable("The database is away. Try again."))

    def _by_credential(self) -> dict[Credential, list[Socket]]:
        found: dict[Credential, list[Socket]] = {}
        for socket in self._sockets.values():
            found.setdefault(socket.credential, []).append(socket)
        return found

    async def _check(self, credential: Credential, sockets: list[Socket]) -> None:
        """Ask anew what *credential* proves, and what it sees of the projects that its *sockets* watch."""
        try:
            keys = {key for socket in sockets for key in socket.watched}
            for key in keys:
                await self._check_project(credential, key, sockets)
            if not keys:
                async with asyncio.timeout(ASK_SECONDS), self._database.read_session() as session:
                    await authenticate(session, credential, limited=True)
        except TokenInvalid as error:
            for socket in sockets:
                socket.end(SignInEnded(error.detail))
        except (SQLAlchemyError, OSError) as error:
            logger.warning("sockets_not_checked", error=type(error).__name__)
        else:
            for socket in sockets:
                socket.checked_at = time.monotonic()

    async def _check_project(self, credential: Credential, key: str, sockets: list[Socket]) -> None:
        try:
            context = await self._admit(credential, key)
        except TokenInvalid:
            raise
        except ReqtrailError as error:
            for socket in sockets:
                if watch := socket.watched.get(key):
                    await self._unwatch(socket, watch)
                    tell(socket, {**problem(error, key), "type": "left"})
            return
        for socket in sockets:
            if watch := socket.watched.get(key):
                watch.context = context
                watch.checked_at = time.monotonic()

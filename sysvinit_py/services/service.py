"""A service: its own slot, its logger's if it has one, and the pipe between them (behaviour/services)."""

from __future__ import annotations

from sysvinit_py.linux import calls
from sysvinit_py.protocol.supervise import DOWN, NOT_UP, RUN, UP, needed, reason, words
from sysvinit_py.services import adoption
from sysvinit_py.services.folder import LET_GO, Folder, FolderError
from sysvinit_py.services.needs import Needs
from sysvinit_py.services.slot import Slot
from sysvinit_py.services.spawn import CannotForkError
from sysvinit_py.services.unit import EXIT, NEVER, PAUSE, Ask, Control, Signal, Start, Tell, Unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from sysvinit_py.services.host import Host
    from sysvinit_py.services.unit import Effect, Now

#: Seconds: how soon it is looked at whether a folder is being removed, and how often that is done.
_GLANCE, _GLANCES = 0.2, 25
#: Of the longest pause.
_DIGITS = 9
#: The pauses between attempts, at least, if no process can be created for a start.
_LONGEST_PAUSE = 30
#: Seconds: how long the parent of a process that was adopted may take to say how it ended.
_TOLD = 0.2


class Service:
    """A folder that is supervised from when this is made until it is ``over``. Raises FolderError.

    hub      what all services share: children, descriptors, the clock
    path     where the folder is looked for, also once it has been removed and made again
    name     how messages call it
    """

    def __init__(self, hub: Host, path: str, name: str) -> None:
        self.name, self.over = name, False
        self.scheduled: float | None = None  # the hub's
        self.number = 0  # the hub's, too
        self._hub, self._path = hub, path
        self._needs = Needs(hub, self, path, self._answer)
        self._pipe, self._inode = (-1, -1), 0
        self._look_at, self._glances = NEVER, 0
        self._left = False  # it is down for good, and the logger reads the rest
        self._told_of_log = False  # that it is not a directory
        self._begun = self._goes_on = False
        self.log: Slot | None = None
        self.main = self._slot(path)
        try:
            self._find_log()
            self._let_in(self.main)
        except BaseException:
            self._goes_on = True
            self.close()
            raise
        self._begun = True
        for slot in self.slots:
            self._begin(slot)

    @property
    def slots(self) -> list[Slot]:
        """The logger first, as it is to run when what it reads from starts."""
        return [self.log, self.main] if self.log else [self.main]

    @property
    def deadline(self) -> float:
        """When to call ``tick``; infinite: never."""
        return min(self._look_at, self._needs.deadline, *(slot.deadline for slot in self.slots))

    # The folders.

    def _claimed(self, path: str, prefix: str = "", dir_fd: int | None = None) -> Folder:
        folder = Folder(path, prefix, dir_fd)
        try:
            folder.claim()
            folder.open_control()
            folder.watch()
        except BaseException:
            folder.close()
            raise
        return folder

    def _slot(self, path: str, prefix: str = "", dir_fd: int | None = None) -> Slot:
        """Claim a folder, with the process that a killed supervisor has left there."""
        now, folder = self._hub.now(), self._claimed(path, prefix, dir_fd)
        slot = Slot(Unit(now, UP, bool(prefix)), folder)
        try:
            if down := folder.has("down"):
                slot.unit = Unit(now, NOT_UP, bool(prefix))
            found = adoption.find(folder, self._hub.boot)
            if found and (found.alive or not down):
                slot.unit.adopt(found.status, now)
                slot.started = found.started
                self._inode = found.pipe or self._inode
                if found.alive:
                    self._adopt(slot)
            self._hub.watch(folder.control, self, lambda: self._take_orders(slot))
        except BaseException:
            self._release(slot)
            raise
        return slot

    def _adopt(self, slot: Slot) -> None:
        pid = slot.unit.pid
        try:
            slot.pidfd = calls.pidfd_open(pid, 0)
        except ProcessLookupError:
            return  # it has ended meanwhile
        slot.alive = True
        self._hub.adopt(pid, self, lambda status: self._ended(slot, status))
        self._hub.watch(slot.pidfd, self, lambda: self._ended_untold(slot))

    def _look_for_log(self) -> None:
        """Take a logger in, if there is one by now. Raises FolderError, NotADirectoryError, OSError."""
        if self.log is None and self._has_log():
            slot = self._slot("log", "log/", self.main.folder.fd)
            try:
                self._open_pipe(slot)
                self._let_in(slot)
            except BaseException:
                self._release(slot)
                raise
            self.log = slot
            if self._begun:
                self._begin(slot)

    def _find_log(self) -> None:
        try:
            self._look_for_log()
        except (FolderError, OSError) as error:
            self._complain(self.main, f"warning: {reason(error)}")
            self.main.later = self._hub.now().clock + PAUSE, self._find_log

    def _has_log(self) -> bool:
        try:
            return self.main.folder.has_folder("log")
        except NotADirectoryError:
            if not self._told_of_log:
                self.say("warning: ./log: not a directory.")
            self._told_of_log = True
            return False

    def _open_pipe(self, log: Slot) -> None:
        places = [(slot.unit.pid, number) for slot, number in ((log, 0), (self.main, 1)) if slot.alive]
        ends = adoption.reopen(self._inode, places) or calls.pipe2(calls.O_CLOEXEC)
        self._close_pipe(0, 1)
        self._pipe, self._inode = ends, calls.fstat(ends[0]).st_ino

    def _let_in(self, slot: Slot) -> None:
        """Let clients in, also those of a group that the service names. Raises FolderError."""
        self._publish(slot)
        slot.folder.open_ok()
        try:
            if group := self.main.folder.setting("group"):
                slot.folder.let_in(group)
        except (FolderError, OSError) as error:
            self._complain(slot, f"warning: ./group: {reason(error)}")

    def _begin(self, slot: Slot) -> None:
        """Go on with the unit of a slot."""
        if slot.unit.state != DOWN and not slot.alive:  # it ended while nobody was looking
            self._take(slot, slot.unit.ended, None)
        else:
            self._take(slot, slot.unit.tick)

    def look(self) -> None:
        """See whether a folder is no longer there, and go on with one that has been made in its place."""
        self._look_at = NEVER
        if self._left or self.main.unit.leaving:
            return
        if not self._renewed():
            self._look_at = self._hub.now().clock + PAUSE
        if not self.main.folder.has("supervise/ok") and self._glances:  # it is perhaps being removed
            self._glances -= 1
            self._look_at = self._hub.now().clock + _GLANCE

    def deleted(self) -> None:
        """Take in that something was deleted somewhere."""
        self._glances = _GLANCES
        self.look()

    def _renew(self, lost: Slot | None = None) -> None:
        """Open folders anew that have been removed, or whose ``supervise`` is lost. Raises FolderError."""
        if self.main.folder.is_removed() or lost is self.main:
            self._move(self.main, self._claimed(self._path))
        if self.log and (self.log.folder.is_removed() or lost is self.log) and self._has_log():
            self._move(self.log, self._claimed("log", "log/", self.main.folder.fd))

    def _renewed(self, lost: Slot | None = None) -> bool:
        try:
            self._renew(lost)
        except FolderError as error:
            self._complain(lost or self.main, f"warning: {error}")
            return False
        return True

    def _move(self, slot: Slot, folder: Folder) -> None:
        self._hub.forget(slot.folder.control)
        slot.folder.close()
        slot.folder = folder
        self._hub.watch(folder.control, self, lambda: self._take_orders(slot))
        self._let_in(slot)

    # Events.

    def _take_orders(self, slot: Slot) -> None:
        for letter in slot.folder.orders():
            if letter == LET_GO and self._hub.lets_go:
                self.over = self._goes_on = True
            elif not (self._left and slot is self.main):
                self._take(slot, slot.unit.order, letter)

    def leave(self) -> None:
        """Do what the order to exit does."""
        if not self._left:
            self._take(self.main, self.main.unit.order, EXIT)

    def tick(self) -> None:
        """Do what is due."""
        now = self._hub.now()
        if self._look_at <= now.clock:
            self.look()
        if self._needs.deadline <= now.clock:
            self._needs.end_check()
        for slot in self.slots:
            if slot.later and slot.later[0] <= now.clock:
                (_, act), slot.later = slot.later, None
                act()
            if slot.unit.deadline <= now.clock:
                self._take(slot, slot.unit.tick)

    def wake(self) -> None:
        """Take in that what it waits for may be up."""
        self._take(self.main, self.main.unit.wake)

    def _ask(self, slot: Slot) -> None:
        try:
            longest, names = slot.folder.setting("backoff"), needed(slot.folder.setting("needs"))
        except OSError as error:
            self._answer("?", f"unable to see what it needs: {reason(error)}", slot)
            return
        slot.unit.longest = int(longest[:_DIGITS]) if longest.isdecimal() else 0
        if slot.unit.is_log:
            self._answer("", "", slot)
        else:
            self._needs.look(names)

    def _answer(self, missing: str, wrong: str, slot: Slot | None = None) -> None:
        """Take in which service that it needs is not up, if any."""
        slot = slot or self.main
        if self.over:
            return
        if missing:
            self._hub.waiting.setdefault(missing, set()).add(self)
            if missing != slot.unit.missing and (wrong := wrong or self._needs.cycle()):
                self._complain(slot, f"warning: {wrong}")
        now = self._hub.now()
        self._perform(slot, slot.unit.answered(missing, now), now)

    def _ended(self, slot: Slot, status: int | None) -> None:
        """Take in the end of a process."""
        slot.alive, slot.later = False, None
        if slot.pidfd >= 0:
            self._hub.forget(slot.pidfd)
            calls.close(slot.pidfd)
            slot.pidfd = -1
        self._take(slot, slot.unit.ended, status)

    def _ended_untold(self, slot: Slot) -> None:
        """Take in that a process has ended whose parent is another: that may say how."""
        pid = slot.unit.pid
        self._hub.forget(slot.pidfd)
        slot.later = self._hub.now().clock + _TOLD * self._hub.is_told, lambda: self._hub.ended(pid, None)

    def _take(self, slot: Slot, event: Callable[..., Iterable[Effect] | None], *arguments: Any) -> None:
        slot.held.append((event, arguments))
        self._go_on(slot)

    def _go_on(self, slot: Slot) -> None:
        while slot.held and not slot.unit.busy:
            event, arguments = slot.held.pop(0)
            now = self._hub.now()
            self._perform(slot, event(*arguments, now) or (), now)

    # Effects.

    def _perform(self, slot: Slot, effects: Iterable[Effect], now: Now) -> None:
        for effect in effects:
            if isinstance(effect, Start):
                self._start(slot, effect, now)
            elif isinstance(effect, Control):
                self._control(slot, effect.letter, now)
            elif isinstance(effect, Signal):
                self._signal(slot, effect.number)
            elif isinstance(effect, Ask):
                self._ask(slot)
            elif isinstance(effect, Tell):
                self.say(f"warning: {slot.folder.prefix}./{effect.text}")
            else:  # Gone
                self._go(slot)

    def _start(self, slot: Slot, order: Start, now: Now) -> None:
        unit, is_run = slot.unit, order.program == "run"
        program = f"{slot.folder.prefix}./{order.program}"
        try:
            if not is_run and not slot.folder.has(order.program):
                self._perform(slot, unit.not_started(now), now)
                return
            if is_run and not unit.is_log:
                self._renew()
                self._look_for_log()
            line = [f"./{order.program}", *order.arguments]
            end, number = (self._pipe[0], 0) if unit.is_log else (self._pipe[1], 1)
            pid = self._hub.spawner.spawn(slot.folder, line, end, number)
        except (FolderError, CannotForkError) as error:
            self._complain(slot, f"warning: unable to start {program}: {error}")
            if is_run:
                unit.postpone(now, min(slot.times, _LONGEST_PAUSE) * PAUSE)
            else:
                slot.later = now.clock + PAUSE, lambda: self._start(slot, order, self._hub.now())
        except OSError as error:
            self._complain(slot, f"fatal: unable to start {program}: {reason(error)}")
            self._perform(slot, unit.not_started(now), now)
        else:
            begun, now = now, self._hub.now()
            slot.alive, slot.started = True, (adoption.ticks(begun.clock), adoption.ticks(now.clock))
            unit.started(pid, now)
            self._hub.child(pid, self, lambda status: self._ended(slot, status))
            if is_run:
                slot.complaint = ""

    def _control(self, slot: Slot, letter: str, now: Now) -> None:
        path = f"control/{letter}"
        try:
            if slot.folder.is_executable(path):
                pid = self._hub.spawner.spawn(slot.folder, [path], self._pipe[1])
                self._hub.child(pid, self, lambda status: self._controlled(slot, status))
                self._hub.mute(slot.folder.control)
                return
        except (OSError, CannotForkError) as error:
            self._complain(slot, f"fatal: unable to run {path}: {reason(error)}")
        self._perform(slot, slot.unit.controlled(None), now)

    def _controlled(self, slot: Slot, status: int | None) -> None:
        code = None if status is None or status & 0x7F else status >> 8
        self._perform(slot, slot.unit.controlled(code), self._hub.now())
        if not slot.unit.busy:
            self._hub.mute(slot.folder.control, False)
        self._go_on(slot)

    def _signal(self, slot: Slot, number: int) -> None:
        if slot.alive:
            try:
                if slot.pidfd >= 0:
                    calls.pidfd_send_signal(slot.pidfd, number)
                else:
                    calls.kill(slot.unit.pid, number)
            except ProcessLookupError:
                pass  # it has ended, and is about to be reaped
            except OSError as error:
                self._complain(slot, f"warning: unable to send signal {number}: {reason(error)}")

    def _go(self, slot: Slot) -> None:
        """End the logger after the service, and then the supervision."""
        if slot is self.main and self.log:
            self._left = True
            self._close_pipe(1)
            self.log.unit.leave()
            if self.log.unit.state != DOWN:
                return
        self.over = True

    def _close_pipe(self, *ends: int) -> None:
        pipe = list(self._pipe)
        for end in ends:
            if pipe[end] >= 0:
                calls.close(pipe[end])
            pipe[end] = -1
        self._pipe = pipe[0], pipe[1]

    # What others see.

    def publish(self) -> bool:
        """Publish what has changed; return whether others may have waited for it."""
        runs = self.main.unit.changed and self.main.unit.state == RUN
        for slot in self.slots:
            if slot.unit.changed:
                self._publish(slot)
        return runs

    def _publish(self, slot: Slot) -> None:
        try:
            status = slot.unit.status
            record = adoption.record(self._hub.boot, status, slot.started, self._inode)
            slot.folder.publish(status, words(status, slot.unit.leaving, slot.unit.note), record)
        except FileNotFoundError:
            if slot.later is None:
                slot.later = self._hub.now().clock + PAUSE, lambda: self._find_again(slot)
        except FolderError as error:
            self._complain(slot, f"warning: {error}")
            if slot.later is None:
                slot.later = self._hub.now().clock + PAUSE, lambda: None
            return
        slot.unit.changed = False

    def _find_again(self, slot: Slot) -> None:
        if slot.folder.is_held():  # it was not found for a moment
            slot.unit.changed = True
        elif not self._renewed(slot):
            slot.later = self._hub.now().clock + PAUSE, lambda: self._find_again(slot)

    def _complain(self, slot: Slot, text: str) -> None:
        """Report what is wrong: the second, fourth, eighth time that it is so only."""
        if slot.is_news(text):
            self.say(text + f" ({slot.times} times)" * (slot.times > 1))

    def say(self, text: str) -> None:
        """Report something as runsv does."""
        self._hub.say(f"runsv {self.name}: {text}")

    def close(self) -> None:
        """Let go of the folders."""
        self._needs.end_check()
        self._close_pipe(0, 1)
        for slot in self.slots:
            if not self._goes_on:
                slot.folder.note(b"")
            self._release(slot)

    def _release(self, slot: Slot) -> None:
        for fd in (slot.folder.control, slot.pidfd):
            self._hub.forget(fd)
        if slot.pidfd >= 0:
            calls.close(slot.pidfd)
        slot.folder.close()

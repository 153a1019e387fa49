"""What time alone brings, in the order in which it comes due. What lies days ahead takes eight bytes, and no place in a heap."""

import heapq
from collections.abc import Callable

DAY = 86_400.0
NEVER = float("inf")

MomentOf = Callable[[str], float | None]


class Agenda:
    """Names of one kind with their moments, in seconds of event time.

    A moment on a day that has not come is written down by its day only. When the day comes, ``moment_of`` tells the moment there is by
    then: None, or one of another day than that for which a name was written down, and it is passed over or put off. ``ahead``: so many
    days to come have all their moments in the heap.
    """

    __slots__ = ("_ahead", "_days", "_later", "_moment_of", "_opened", "_soon")

    def __init__(self, moment_of: MomentOf, ahead: int = 0) -> None:
        self._moment_of = moment_of
        self._ahead = ahead
        self._soon: list[tuple[float, str]] = []
        self._later: dict[int, list[str]] = {}
        self._days: list[int] = []
        self._opened: float = float("-inf")

    def push(self, at: float, name: str) -> float:
        """``name`` has something to do at this moment; `due` is not before what is returned, for its sake."""
        day = int(at // DAY)
        if day <= self._opened:
            heapq.heappush(self._soon, (at, name))
            return at
        names = self._later.get(day)
        if names is None:
            self._later[day] = [name]
            heapq.heappush(self._days, day)
        else:
            names.append(name)
        return day * DAY

    def due(self) -> float:
        """No moment comes before this one; infinite: there is none."""
        if self._soon and not (self._days and self._days[0] * DAY < self._soon[0][0]):
            return self._soon[0][0]
        return self._days[0] * DAY if self._days else NEVER

    def open(self, now: float) -> bool:
        """Ask the moments of all days until ``now``; whether there were any. Then `due` tells the next moment, if that has come."""
        days = int(now // DAY) + self._ahead
        news = False
        while self._days and self._days[0] <= days:
            self._open()
            news = True
        self._opened = max(self._opened, days)
        return news

    def first(self, now: float) -> tuple[float, str] | None:
        """The earliest moment until ``now``, and its name. The days until then are open."""
        return self._soon[0] if self._soon and self._soon[0][0] <= now else None

    def pop(self) -> None:
        """What `first` gave is done."""
        heapq.heappop(self._soon)

    def earliest(self) -> tuple[float, str] | None:
        """Take the moment that comes first of all, however far ahead, and its name."""
        while self._days and not (self._soon and self._soon[0][0] < self._days[0] * DAY):
            self._open()
        return heapq.heappop(self._soon) if self._soon else None

    def _open(self) -> None:
        """The names of the next day get their moments."""
        day = heapq.heappop(self._days)
        self._opened = max(self._opened, day)
        for name in self._later.pop(day):
            at = self._moment_of(name)
            if at is not None:
                self.push(at, name)


class Agendas:
    """Several agendas, with the earliest of their moments. ``due``: none comes before it; ``next_look``: nor has any day to be opened."""

    __slots__ = ("_all", "due", "next_look")

    def __init__(self) -> None:
        self._all: list[Agenda] = []
        self.due, self.next_look = NEVER, float("-inf")

    def add(self, agenda: Agenda) -> Agenda:
        """One more."""
        self._all.append(agenda)
        return agenda

    def push(self, agenda: Agenda, at: float, name: str) -> None:
        """``name`` has something to do at this moment."""
        due = agenda.push(at, name)
        if due < self.due:
            self.due = due
            if due < self.next_look:
                self.next_look = due

    def open(self, now: float) -> bool:
        """Find out what comes due until ``now``; whether `due` may be later for it."""
        opened = [agenda.open(now) for agenda in self._all]
        self.due = min([agenda.due() for agenda in self._all])
        self.next_look = min(self.due, (now // DAY + 1) * DAY)
        return any(opened)

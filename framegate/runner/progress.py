"""What a long run shows while it works: cell, process, epoch, last loss and accuracy, time left."""

from collections.abc import Callable
from dataclasses import dataclass, field

from framegate.runner.cell import Cell
from framegate.runner.driver import Event
from framegate.runner.journal import Task

_PLAIN_LINE_SECONDS = 30.0  # without a terminal: a line at each process's end, and in long processes this often


@dataclass
class Progress:
    """Counts the work done and turns events into lines. Costs nothing between events."""

    planned: int  # items to run
    write: Callable[[str, bool], None]  # a line, and whether a later one may overwrite it
    interactive: bool
    clock: Callable[[], float]
    started: float = 0.0
    item: int = 0
    cell: Cell | None = None
    _last_line: float = field(default=0.0)

    def begin(self, cell: Cell) -> None:
        """Say that the next item's turn has come."""
        if not self.item:
            self.started = self._last_line = self.clock()
        self.item += 1
        self.cell = cell

    def say(self, line: str) -> None:
        """Show a line that stays."""
        self.write(line, False)

    def watch(self, task: Task, event: Event) -> None:
        """Show an event of a worker."""
        assert self.cell
        if event["event"] == "done":
            return
        line = self.line(task, event)
        last = event["event"] == "epoch" and event["number"] == self.cell.epochs
        if self.interactive:
            self.write(line, True)
        elif last or self.clock() - self._last_line > _PLAIN_LINE_SECONDS:
            self.write(line, False)
            self._last_line = self.clock()

    def line(self, task: Task, event: Event) -> str:
        """Return one line: "[3/14] mxnet-1.9/lenet/digits-32px/b32 process 2/2 epoch 3/3 0.21 s loss 0.31 accuracy 0.940"."""
        assert self.cell
        words = [
            f"[{self.item}/{self.planned}] {task.cell} {task.purpose} process {task.process}/{self.cell.processes}"
        ]
        if event["event"] == "epoch":
            words.append(f"epoch {event['number']}/{self.cell.epochs} {event['seconds']:.3g} s")
            if "train_loss" in event:
                words.append(f"loss {event['train_loss']:.3g} accuracy {event['test_accuracy']:.3f}")
        else:
            words.append(str(event.get("name", event["event"])))
        done = self.item - 1 + (task.process - 1 + event.get("number", 0) / self.cell.epochs) / self.cell.processes
        if done > 0:
            left = (self.clock() - self.started) * (self.planned / done - 1)
            words.append(f"about {duration(left)} left")
        return ", ".join(words)


def duration(seconds: float) -> str:
    """Return seconds as people say them: "40 s", "12 min", "3 h 05 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"

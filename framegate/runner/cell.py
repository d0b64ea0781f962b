"""A cell: one model, trained one way on one dataset in one environment. Its id is made here and nowhere else."""

from dataclasses import asdict, dataclass
from typing import Any

TRAINING = "training"
INFERENCE = "inference"
EXPORT = "export"
PIPELINE = "pipeline"  # a purpose, and what stands for the model in the cells of that purpose


@dataclass(frozen=True)
class Cell:
    environment: str  # the name of a file in environments/
    framework: str
    device: str  # "cpu" or "gpu"
    model: str  # or PIPELINE
    dataset: str
    image_size: int | None  # side in pixels to which images are resized, or None for the dataset's own
    batch_size: int
    optimizer: (
        tuple[tuple[str, Any], ...] | None
    )  # name and constants; None where the framework's own solver is the model's
    tier: str  # one of the tables [tiers.NAME]
    processes: int
    epochs: int  # of each process, the warm-up epoch included
    seed: int  # of the first process; the others count on from it
    threads: int
    limit_seconds: float  # a worker that is silent for longer hangs
    floor: float  # accuracy on the test split that every process must reach
    floor_part: float | None  # the same where only a part of the dataset is present
    reruns: int  # how often a disturbed process is run again
    ceiling: float = 1.0  # accuracy that none may pass: above it test rows were trained on
    train_rows: int | None = None  # of the train split, drawn once, or None: all
    fold: tuple[int, int] | None = None  # (which, of how many) of the train split takes the test split's place
    validation: float | None = None  # share of the train split that is kept back and takes the test split's place
    augment: tuple[tuple[str, Any], ...] | None = None  # see datasets/derive.py
    parameters: tuple[tuple[str, Any], ...] = ()  # of the model: its layers() takes them
    pretrained: bool = False  # begins with the weights that `framegate data weights` converted
    init: str = "canonical"
    inference: bool = False  # whether test_inference.py measures it too
    train_accuracy: bool = False  # whether the train split is judged after each epoch too
    latency: bool = False  # whether inference is measured with batches of one image as well
    study: str = ""  # the experiment that it repeats: an id in docs/floors.md, "K3"
    variant: str = ""  # tells apart cells that differ in nothing else of the id

    @property
    def id(self) -> str:
        """The pytest id, the key in every store, the row of every report: "tensorflow-2.21/lenet/cifar-10/b32/L1"."""
        environment = self.environment if self.device == "cpu" else f"{self.environment}-{self.device}"
        dataset = self.dataset if self.image_size is None else f"{self.dataset}-{self.image_size}px"
        dataset += f"-{self.train_rows}rows" if self.train_rows else ""
        dataset += "-fold{}of{}".format(*self.fold) if self.fold else ""
        dataset += f"-val{self.validation:.0%}".removesuffix("%") if self.validation else ""
        dataset += "-augmented" if self.augment else ""
        parts = [environment, self.model, dataset, f"b{self.batch_size}"]
        return "/".join(part for part in (*parts, self.study, self.variant) if part)

    @property
    def work(self) -> str:
        """What it has in common with the same work elsewhere: its id without the environment, the device kept if a GPU."""
        rest = self.id.partition("/")[2]
        return rest if self.device == "cpu" else f"{self.device}/{rest}"

    @property
    def marks(self) -> tuple[str, ...]:
        """Names for pytest's -m."""
        return (self.device, self.tier, self.model, self.framework, self.dataset)

    def settings(self) -> dict[str, Any]:
        """Return what decides the work of a worker, JSON-ready: two runs are comparable only if this is equal."""
        decided = asdict(self)
        for word in (
            "tier",
            "processes",
            "floor",
            "floor_part",
            "ceiling",
            "reruns",
            "inference",
            "latency",
            "study",
            "limit_seconds",
        ):
            del decided[word]
        # Only searches have these two: without them, what was measured before there were any stays comparable.
        return {word: value for word, value in decided.items() if word not in ("train_rows", "fold") or value}

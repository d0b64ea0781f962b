"""bAbI task 2, two supporting facts: 1,000 questions on stories to train on and 1,000 to test (Weston et al. 2015, arXiv 1502.05698).

A row is a story of 552 tokens and its question of 5, each padded on the left: Keras' babi_rnn.py (study 001, K5) tokenises so.
"""

import re

import numpy

from .archives import check_present, files_or_archive, place, read_members
from .dataset import Decoded, Unfit, Wrong, differs

SIZE = None
ADDRESS = "https://research.facebook.com/downloads/babi/ (bAbI tasks 1-20, version 1.2, CC BY 3.0)"
FOLDER = "tasks_1-20_v1-2/en"
FILES = {split: "qa2_two-supporting-facts_{}.txt".format(split) for split in ("train", "test")}
LAYOUT = "tasks_1-20_v1-2.tar.gz, or unpacked {0}/{1}, {2}".format(FOLDER, FILES["train"], FILES["test"])
DOWNLOADS = ()  # no hash of the archive is published
QUESTIONS = 1000  # of each split
MD5 = {  # of the archive's files; published is none
    "train": "4b0568df2bc9946408b3ba69ef1b78f9",
    "test": "dd4b3eb2de365efe93eecfa67b3988f0",
}
STORY, QUESTION = 552, 5  # tokens: the longest of the published files
WORDS = (  # noqa: SIM905 - of both files, as sorted() has them; as a list it takes 35 lines
    ". ? Daniel John Mary Sandra Where apple back bathroom bedroom discarded down dropped football garden got grabbed "
    "hallway is journeyed kitchen left milk moved office picked put the there to took travelled up went"
).split()
CLASSES = ["(padding)"] + WORDS  # the answer is one of the words; a word's number is its place here
NUMBERS = {word: number for number, word in enumerate(CLASSES)}
TOKEN = re.compile(r"\w+|[^\w\s]")
LINE = re.compile(r"(\d+) ([^\t]+)(?:\t([^\t]+)\t[\d ]+)?")  # number, sentence; of a question also its answer


def sources(home):
    return files_or_archive(home, FOLDER, sorted(FILES.values()), "tasks_1-20_v1-2.tar.gz")


def decode(paths, size):
    """Return Decoded: int32 (N, 557), the words' numbers; classes are words."""
    if size is not None:
        raise Unfit("size {} of a text; wanted none: remove image_size or --size".format(size))
    found = read_members(paths, FOLDER, set(FILES.values()))
    check_present(paths, found, sorted(FILES.values()))
    arrays, notes = [], []
    for split, name in sorted(FILES.items(), reverse=True):
        rows, answers = tokenised(place(paths, name), found[name])
        arrays += [rows, answers]
        part = "" if len(rows) == QUESTIONS else "{:,} of {:,} {} questions".format(len(rows), QUESTIONS, split)
        note = part or differs(name, found[name], MD5[split])
        notes += [note] if note else []
    return Decoded(*arrays, classes=CLASSES, complete=not notes, notes=notes)


def tokenised(where, data):
    """Return (rows, answers) of a file: int32 (N, 557), int64 (N,). Raises Wrong naming the line."""
    rows, answers, story = [], [], []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        here = "{}, line {}".format(where, number)
        match = LINE.fullmatch(line)
        if match is None:
            raise Wrong(
                "{}: {!r:.60}; wanted a number and a sentence, of a question also answer and facts".format(here, line)
            )
        position, sentence, answer = match.groups()
        if position == "1":
            story = []
        tokens = numbers(here, TOKEN.findall(sentence))
        if answer is None:
            story = story + tokens
        else:
            rows.append(padded(here, story, STORY) + padded(here, tokens, QUESTION))
            answers += numbers(here, [answer])
    if not rows:
        raise Wrong("{}: no question; wanted {:,}".format(where, QUESTIONS))
    return numpy.array(rows, numpy.int32), numpy.array(answers, numpy.int64)


def numbers(here, words):
    unknown = [word for word in words if word not in NUMBERS]
    if unknown:
        raise Wrong("{}: unknown word {!r}; wanted the task's {}".format(here, unknown[0], len(WORDS)))
    return [NUMBERS[word] for word in words]


def padded(here, tokens, length):
    if len(tokens) > length:
        raise Wrong("{}: {} tokens; wanted at most {}".format(here, len(tokens), length))
    return [0] * (length - len(tokens)) + tokens

import io
import tarfile
from pathlib import Path

import numpy
import pytest

from worker.data import mount

cache = mount("datasets.cache")
babi = mount("datasets.babi_qa2")
Wrong = mount("datasets.dataset").Wrong

TRAIN = b"""1 Mary got the milk there.
2 John moved to the bedroom.
3 Where is the milk? \tbathroom\t1
4 Mary went back to the kitchen.
5 Where is the milk? \tkitchen\t1 4
1 Sandra took the apple.
2 Where is the apple? \toffice\t1
"""
TEST = b"1 Daniel left.\n2 Where is Daniel?\thallway\t1\n"
NUMBERS = {word: number for number, word in enumerate(babi.CLASSES)}


def write(home: Path, train: bytes = TRAIN, test: bytes = TEST) -> None:
    folder = home / "tasks_1-20_v1-2" / "en"
    folder.mkdir(parents=True)
    (folder / "qa2_two-supporting-facts_train.txt").write_bytes(train)
    (folder / "qa2_two-supporting-facts_test.txt").write_bytes(test)


def decode(home: Path):
    return babi.decode(babi.sources(str(home)), None)


def words(row: numpy.ndarray) -> str:
    return " ".join(babi.CLASSES[number] for number in row if number)


def test_a_row_is_the_story_so_far_and_the_question_padded_on_the_left(tmp_path):
    write(tmp_path)
    decoded = decode(tmp_path)
    rows = decoded.train_images
    assert (rows.shape, rows.dtype) == ((3, 557), numpy.int32)
    assert words(rows[0, :552]) == "Mary got the milk there . John moved to the bedroom ."
    assert words(rows[1, :552]).endswith("to the bedroom . Mary went back to the kitchen .")  # no question in it
    assert words(rows[2, :552]) == "Sandra took the apple ."  # line 1 starts another story
    assert words(rows[0, 552:]) == "Where is the milk ?"
    assert rows[2, :547].any() == False  # noqa: E712 - a numpy.bool_
    assert decoded.test_images[0, 552:].tolist() == [
        0,
        NUMBERS["Where"],
        NUMBERS["is"],
        NUMBERS["Daniel"],
        NUMBERS["?"],
    ]


def test_the_answer_is_a_words_number(tmp_path):
    write(tmp_path)
    decoded = decode(tmp_path)
    assert [decoded.classes[label] for label in decoded.train_labels] == ["bathroom", "kitchen", "office"]
    assert decoded.test_labels.tolist() == [19]
    assert len(decoded.classes) == 36
    assert decoded.classes[0] == "(padding)"


def test_as_many_questions_with_other_answers_are_not_the_published_ones(tmp_path):
    write(tmp_path, test=TEST * 1000)
    decoded = decode(tmp_path)
    assert not decoded.complete
    assert decoded.notes[0] == "3 of 1,000 train questions"
    assert decoded.notes[1].startswith("qa2_two-supporting-facts_test.txt is not the published file: MD5 ")


def test_a_part_is_noted(tmp_path):
    write(tmp_path)
    decoded = decode(tmp_path)
    assert not decoded.complete
    assert decoded.notes == ["3 of 1,000 train questions", "1 of 1,000 test questions"]


def test_the_archive_gives_the_same_as_its_files(tmp_path):
    write(tmp_path)
    with tarfile.open(tmp_path / "tasks_1-20_v1-2.tar.gz", "w:gz") as archive:
        for split, data in (("train", TRAIN), ("test", TEST)):
            member = tarfile.TarInfo(f"tasks_1-20_v1-2/en/qa2_two-supporting-facts_{split}.txt")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    packed = babi.decode([str(tmp_path / "tasks_1-20_v1-2.tar.gz")], None)
    assert (packed.train_images == decode(tmp_path).train_images).all()


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            b"1 Mary got the football.\n2 Mary ate the pear.\n",
            r"train\.txt, line 2: unknown word 'ate'; wanted the task's 35",
        ),
        (b"1 Mary left.\n2 Where is Mary?\tmoon\t1\n", "line 2: unknown word 'moon'"),
        (b"1 Mary left.\nWhere is Mary?\n", "line 2: 'Where is Mary\\?'; wanted a number and a sentence"),
        (b"1 Mary left.\n", r"train\.txt: no question; wanted 1,000"),
        (b"1 " + b"Mary " * 553 + b"\n2 Where is Mary?\toffice\t1\n", "line 2: 553 tokens; wanted at most 552"),
        (b"1 Where is the the milk?\toffice\t1\n", "line 1: 6 tokens; wanted at most 5"),
        (b"1 Mary l\xff.\n", "line 1: unknown word"),
        (b"", "no question"),
    ],
)
def test_wrong_text_is_named_with_its_line(tmp_path, train, message):
    write(tmp_path, train)
    with pytest.raises(Wrong, match=message):
        decode(tmp_path)


def test_a_missing_split_is_wrong(tmp_path):
    write(tmp_path)
    (tmp_path / "tasks_1-20_v1-2/en/qa2_two-supporting-facts_test.txt").unlink()
    with pytest.raises(Wrong, match=r"no qa2_two-supporting-facts_test\.txt; wanted it"):
        decode(tmp_path)


def test_a_text_has_no_size_in_pixels_and_need_not_be_fetched_again_for_that(tmp_path):
    write(tmp_path)
    with pytest.raises(Wrong) as caught:
        cache.prepare("babi-qa2", 32, str(tmp_path), str(tmp_path / "cache"))
    assert str(caught.value) == "babi-qa2: size 32 of a text; wanted none: remove image_size or --size"

"""Files of arrays: what is read is what was written, one changed bit is refused, and no header costs time or memory."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from minigrad.errors import DataError
from minigrad.models.train import tensorfile
from tests import children

ARRAYS = {
    "W": np.arange(6, dtype=np.float32).reshape(2, 3),
    "t": np.array(7),
    "empty": np.zeros((0, 4)),
}
ABOUT = {"kind": "gru", "vocabulary": '["<unk>", "é\\n"]'}


def written(folder, arrays=ARRAYS, about=ABOUT):
    return tensorfile.write(folder / "f.safetensors", arrays, about)


def with_header(header, data=b"", length=None):
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


DTYPES = st.sampled_from([np.float32, np.float64, np.int64, np.bool_, np.uint8])


@given(npst.arrays(DTYPES, npst.array_shapes(min_dims=0)))
def test_what_is_read_is_what_was_written(tmp_path_factory, x):
    folder = tmp_path_factory.mktemp("f")
    arrays, about = tensorfile.read(written(folder, {"x": x, "F": np.array(x, order="F")}))
    assert about == ABOUT
    for a in arrays.values():
        assert (a.dtype, a.shape) == (x.dtype, x.shape)
        np.testing.assert_array_equal(a, x)


def test_other_programs_read_it_too(tmp_path):
    from safetensors import safe_open

    with safe_open(written(tmp_path), framework="numpy") as file:
        assert {k: file.metadata()[k] for k in ABOUT} == ABOUT
        for name, a in ARRAYS.items():
            np.testing.assert_array_equal(file.get_tensor(name), a)


def test_equal_contents_are_equal_files(tmp_path):
    (tmp_path / "other").mkdir()
    backwards = {k: ARRAYS[k] for k in reversed(ARRAYS)}
    assert written(tmp_path).read_bytes() == written(tmp_path / "other", backwards).read_bytes()


def refused(file, content):
    file.write_bytes(content)
    with pytest.raises(DataError) as error:
        tensorfile.read(file)
    assert error.value.text.startswith(f"checkpoint: '{file}' cannot be read as one: ")
    assert "\n" not in error.value.text
    return error.value.text


def test_a_changed_bit_is_refused_in_every_byte(tmp_path):
    good = written(tmp_path).read_bytes()
    for i in range(len(good)):
        bad = bytearray(good)
        bad[i] ^= 1 << i % 8
        refused(tmp_path / "bad", bytes(bad))


def test_every_truncation_and_every_added_byte_is_refused(tmp_path):
    good = written(tmp_path).read_bytes()
    for length in range(len(good)):
        refused(tmp_path / "bad", good[:length])
    refused(tmp_path / "bad", good + b"\0")


CHECK = {"__metadata__": {"checksum": "0" * 64}}
TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
HOSTILE = {
    "a header longer than the file": with_header(CHECK, length=1 << 62),
    "a negative length": b"\xff" * 8 + b"{}",
    "no header": b"",
    "overlapping tensors": with_header(CHECK | {"a": TENSOR, "b": TENSOR}, bytes(8)),
    "a tensor beyond the file": with_header(
        CHECK | {"a": TENSOR | {"data_offsets": [0, 1 << 60]}}, bytes(8)
    ),
    "a tensor of 2^60 numbers": with_header(CHECK | {"a": TENSOR | {"shape": [1 << 60]}}, bytes(8)),
    "offsets that are no numbers": with_header(
        CHECK | {"a": TENSOR | {"data_offsets": ["x", {}]}}, bytes(8)
    ),
    "no offsets": with_header(CHECK | {"a": TENSOR | {"data_offsets": []}}, bytes(8)),
    "a tensor that is none": with_header(CHECK | {"a": 3}, bytes(8)),
    "deep nesting": with_header(b"[" * 500_000 + b"]" * 500_000),
    "deep nesting of objects": with_header(b'{"a":' * 150_000 + b"1" + b"}" * 150_000),
    "a number of a million digits": with_header(b'{"a":' + b"9" * 1_000_000 + b"}"),
    "a list": with_header([]),
    "a name twice": with_header(
        b'{"__metadata__": {"checksum": "0"}, "a": {}, "a": {"data_offsets": [0, 8]}}', bytes(8)
    ),
    "a dtype of many lines": with_header(CHECK | {"a": TENSOR | {"dtype": "\n" * 999}}, bytes(8)),
    "no metadata": with_header({"a": TENSOR}, bytes(8)),
    "a checksum that is none": with_header({"__metadata__": {"checksum": ["x"]}}),
    "not UTF-8": with_header(b"\xff\xfe\xfd\xfc"),
    "a pickle": b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93\x8c\x04exit\x85R.",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_header_is_one_clear_line(what, tmp_path):
    refused(tmp_path / "bad", HOSTILE[what])


READER = """
import resource, sys, time
from minigrad.models.train import tensorfile
from minigrad.errors import DataError
tensorfile.require()
from safetensors.numpy import load
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
for file in sys.argv[1:]:
    try:
        tensorfile.read(file)
        sys.exit("accepted " + file)
    except DataError:
        pass
    print(time.perf_counter() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
    start = time.perf_counter()
"""


def test_a_hostile_file_takes_less_than_a_second_and_100_megabytes(tmp_path):
    """Each of them, and a header of 10^9 tensors, some 80 GB in a sparse file, in one fresh process."""
    files = []
    for i, content in enumerate(HOSTILE.values()):
        files.append(tmp_path / f"{i}")
        files[-1].write_bytes(content)
    files.append(tmp_path / "huge")
    with open(files[-1], "wb") as file:
        file.write(
            (80_000_000_000).to_bytes(8, "little") + b'{"a0":' + json.dumps(TENSOR).encode() + b","
        )
        file.truncate(80_000_001_000)
    files.append(tmp_path / "many")
    names = {f"a{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(15_000)}
    files[-1].write_bytes(with_header(CHECK | names))
    command = [sys.executable, "-c", READER, *files]
    run = children.run(command, capture_output=True, text=True, timeout=120, check=True)
    rows = [list(map(float, line.split())) for line in run.stdout.splitlines()]
    assert len(rows) == len(files)
    assert max(seconds for seconds, _ in rows) < 1
    assert max(megabytes for _, megabytes in rows) < 100


def test_a_header_that_could_not_be_read_back_is_not_written(tmp_path):
    with pytest.raises(DataError, match=r"checkpoint: a header of .* bytes; at most 1,048,576"):
        written(tmp_path, about={"vocabulary": "x" * (1 << 20)})
    assert list(tmp_path.iterdir()) == []

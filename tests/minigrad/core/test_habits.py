"""What users write by habit: copies of Tensors, arrays made like them, other libraries, odd names, threads."""

import importlib.util
import sys
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import DTypeError, MinigradError, MissingError, UnsupportedError
from minigrad.internal import words_of
from tests.zoo import param

LIKE = [np.zeros_like, np.ones_like, np.empty_like, lambda x: np.full_like(x, 3)]


# --- made like a Tensor -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("like", LIKE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, bool])
def test_what_is_made_like_a_tensor_is_a_plain_array_of_ones_own(like, dtype):
    x = mg.tensor(np.zeros((2, 3), dtype))
    y = like(x * 1)
    assert (type(y), y.shape, y.dtype) == (np.ndarray, (2, 3), like(x.data * 1).dtype)
    y[0, 0] = 1


def test_a_state_reset_by_zeros_like_has_no_past():
    W = param(np.eye(2), "W")
    h = np.zeros((1, 2))
    for _ in range(5):
        h = np.zeros_like(h)
        for _ in range(3):
            h = np.tanh(h @ W)
    assert len(mg.Tape.of(h).nodes) == 2 + 2 * 3


@pytest.mark.parametrize("dtype", [None, np.float32])
@pytest.mark.parametrize("shape", [None, (4, 3)])
def test_what_is_filled_with_a_tensor_depends_on_it(dtype, shape):
    x, value = mg.tensor(np.zeros((2, 3))), param([1.0, 2.0, 3.0], "v")
    y = np.full_like(x, value, dtype=dtype, shape=shape)
    np.testing.assert_array_equal(
        y.data, np.full_like(x.data, value.data, dtype, shape=shape), strict=True
    )
    np.sum(y).backward()
    np.testing.assert_array_equal(value.grad, np.full(3, y.shape[0]))
    for lose in (lambda: np.full_like(x.data, value), lambda: np.full((2, 3), value)):
        with pytest.raises(UnsupportedError, match="'v' needs a gradient"):
            lose()


# --- copies of Tensors ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("make", [lambda h: h, lambda h: [h, h]])
def test_a_result_that_needs_a_gradient_is_not_copied_into_a_leaf(make, requires_grad):
    h = (param([1.0, 2.0], "W") * 2).named("h")
    with pytest.raises(UnsupportedError, match="'h' needs a gradient"):
        mg.tensor(make(h), requires_grad=requires_grad)


def test_a_parameter_is_copied_as_a_parameter_alone():
    W = param([1.0, 2.0], "W")
    with pytest.raises(UnsupportedError, match=r"'W' needs a gradient.*requires_grad=True"):
        mg.tensor(W)
    V = mg.tensor(W, requires_grad=True)
    np.sum(V * V).backward()
    np.testing.assert_array_equal(V.grad, [2, 4])
    assert W.grad is None


def test_a_copy_of_a_cut_tensor_remembers_the_cut():
    h = mg.tensor((param(1.0, "W") * 2).detach())
    with pytest.raises(MinigradError, match=r"\.detach\(\) at .* cut it off"):
        (h * 2).backward()


def test_a_copied_result_is_frozen_into_no_plan():
    x = mg.tensor([1.0, 2.0], name="x")
    y = x * 2
    with pytest.raises(MinigradError, match=r"off the tape, by mg.tensor\(\)"):
        mg.compile(mg.Tape.of(np.sum(y * mg.tensor(y))))


# --- gradients of results ---------------------------------------------------------------------------------------------
def test_a_result_says_how_to_get_its_gradient():
    h = (param([1.0], "W") * 2).named("h")
    np.sum(h).backward()
    with pytest.raises(MissingError, match=r"grad: 'h' is a result of multiply; .*minigrad\.grad"):
        _ = h.grad
    assert getattr(h, "grad", None) is None
    assert mg.tensor(1.0).grad is None
    with mg.no_grad():
        assert (h * 2).grad is None


# --- indices ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ids", [[0, 2], [[0, 1], [2, 2]], 1, [True, False, True], (0, 1)])
def test_an_index_made_of_a_list_is_one(ids):
    E = param(np.arange(6.0).reshape(3, 2), "E")
    np.testing.assert_array_equal(E[mg.tensor(ids)].data, E.data[np.array(ids)])


def test_labels_made_of_a_list_are_labels():
    logits = param(np.eye(3), "x")
    labels = mg.tensor([0, 2, 1])
    np.testing.assert_array_equal(mg.one_hot(labels, 3).data, np.eye(3)[[0, 2, 1]])
    assert mg.cross_entropy(logits, labels).item() == mg.cross_entropy(logits, [0, 2, 1]).item()


def test_whole_numbers_divide_as_numbers_do_and_take_no_fractions():
    n = mg.tensor([3, 4], name="n")
    np.testing.assert_array_equal((n / 2).data, [1.5, 2])
    n.assign([5.0, 6.0])
    assert n.data.tolist() == [5, 6]
    for lossy in ([0.5, 1.0], [np.nan, 1.0]):
        with pytest.raises(DTypeError, match="fractions"):
            n.assign(lossy)


# --- arrays of other libraries ----------------------------------------------------------------------------------------
class ByArray:
    """An array of another library: its dtype is its own."""

    dtype = "other.float32"

    def __array__(self, dtype=None, copy=None):
        return np.array([1, 2], np.float32)


class ByDLPack:
    """The same, for libraries that do not speak to NumPy."""

    dtype = "other.float32"
    array = np.array([1, 2], np.float32)

    def __dlpack__(self, **keywords):
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize("foreign", [ByArray(), ByDLPack()])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_any_array_becomes_a_tensor(foreign, requires_grad):
    x = mg.tensor(foreign, requires_grad=requires_grad)
    assert (x.data.tolist(), x.dtype) == ([1, 2], np.float32)
    assert not np.shares_memory(x.data, ByDLPack.array)


@pytest.fixture
def library(tmp_path):
    """A module as if it were installed."""
    file = tmp_path / "site-packages" / "otherlib" / "_inner.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import numpy as np\n\ndef scale(x):\n    return np.exp(x) * 2\n\ndef summary(x):\n    return np.asarray(x)\n"
    )
    spec = importlib.util.spec_from_file_location("otherlib._inner", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_place_is_the_users_and_not_a_librarys(library):
    x = param([1.0, 2.0], "x")
    y = library.scale(x)
    assert {y.origin.split(":")[0], y.inputs[0].origin.split(":")[0]} == {"test_habits.py"}
    with pytest.raises(
        UnsupportedError, match=r"^otherlib\.summary: 'x' needs .*\[test_habits.py:\d+\]$"
    ):
        library.summary(x)


def test_a_function_of_another_library_has_its_own_name(library, monkeypatch):
    expit = np.frompyfunc(lambda x: x, 1, 1)
    setattr(library, expit.__name__, expit)
    monkeypatch.setitem(sys.modules, "otherlib.special", library)
    with pytest.raises(UnsupportedError, match=r"^otherlib\.special\.<lambda> \(vectorized\): "):
        expit(param([1.0], "x"))


# --- names ------------------------------------------------------------------------------------------------------------
UNPRINTABLE = ["a\nb", "\x1b[31mred", "\ud800", "tab\tbed", "line\u2028"]


@pytest.mark.parametrize("name", UNPRINTABLE)
def test_a_name_cannot_break_a_listing(name):
    x = mg.tensor(1.0, name=name)
    text = str(mg.Tape.of((x * 2).named(name)))
    assert len(text.splitlines()) == 3
    assert "\x1b" not in text
    text.encode()
    assert x.name == name


@pytest.mark.parametrize("name", UNPRINTABLE)
def test_nor_a_formula(name):
    loss = (param(1.0, "x") * 2).named(name)
    _, adjoints = words_of(mg.Tape.of(loss))
    assert all(adjoint.isprintable() for adjoint in adjoints.values())


@pytest.mark.parametrize("name", ["W_hh", r"$\hat h_1$", "Straße 7", "h'", '"q"'])
def test_a_name_that_can_be_printed_stays(name):
    assert mg.tensor(1.0, name=name).label == name


# --- threads ----------------------------------------------------------------------------------------------------------
def test_backward_of_several_threads_into_one_parameter_loses_nothing():
    W = param(np.zeros((200, 200)), "W")
    count, rounds = 4, 25
    start = threading.Barrier(count)

    def work():
        start.wait(30)
        for _ in range(rounds):
            np.sum(W * 1.0).backward()

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    np.testing.assert_array_equal(W.grad, np.full(W.shape, count * rounds))


# --- numbers as rows --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("axis", [0, -1, None])
@pytest.mark.parametrize(
    "fn",
    [
        np.prod,
        np.cumprod,
        np.cumsum,
        np.sum,
        lambda x, axis: np.repeat(x, 2, axis=axis),
        lambda x, axis: np.take(x, 0, axis=axis),
        lambda x, axis: np.take(x, [0, 0], axis=axis),
    ],
)
def test_along_an_axis_a_number_counts_as_a_row_of_one(fn, axis):
    x = param(3.0, "x")
    y = fn(x, axis=axis)
    expected = fn(np.array(3.0), axis=axis)
    np.testing.assert_array_equal(y.data, expected)
    np.sum(y).backward()
    assert x.grad == np.size(expected)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_the_product_of_nothing_is_recorded(axis):
    x = param(np.ones((2, 0)), "x")
    y = np.prod(x, axis=axis)
    np.testing.assert_array_equal(y.data, np.prod(x.data, axis=axis), strict=True)
    np.sum(y).backward()
    assert x.grad.shape == (2, 0)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_multi_dot_of_empty_matrices_goes_back(n):
    a, b, c = param(np.ones((2, n)), "a"), param(np.ones((n, 4)), "b"), param(np.ones(4), "c")
    for operands in ([a, b], [a, b, c], [c, b.T, a.T]):
        np.sum(np.linalg.multi_dot(operands)).backward()
    assert a.grad.shape == (2, n)


def test_divmod_is_quotient_and_remainder():
    a, b = param([7.0, -7.0], "a"), param(3.0, "b")
    quotient, rest = divmod(a, b)
    np.testing.assert_array_equal([quotient.data, rest.data], divmod(a.data, 3.0))
    np.sum(rest).backward()
    np.testing.assert_array_equal(a.grad, [1, 1])
    assert b.grad == 1
    np.testing.assert_array_equal([x.data for x in divmod(7, b)], divmod(7, b.data))


def test_a_single_number_used_by_an_operation_and_by_an_index():
    for index in (None, ..., ()):
        x = param(2.0, "x")
        (np.sum(x[index] * 3) + np.square(x)).backward()
        assert x.grad == 7

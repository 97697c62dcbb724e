"""The three trips of docs/house.md: the functions that a tape goes through, room by room.

A room is a folder. Each trip is made under sys.setprofile, which tells every call in its order.
"""

import functools
import itertools
import re
import sys
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad import viz
from minigrad.transforms import differentiate

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "house.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### `([^`]+)`\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
STOP = re.compile(r"^\d+\. `(\S+): (\S+)`", re.MULTILINE)
ON_THE_WAY = re.compile(r"^Called on the way: (.*?)\n\n", re.MULTILINE | re.DOTALL)
# backward asks the rules of ops from within its sweep, as the page says, and ends where it began
CORE = "minigrad/core"
# the operations ask whether there is a recorded backward pass, and go on
OPERATIONS = "viz/graphs/operations"
DRAWING = 'viz.render(viz.draw(tape), "tape.svg")'
RETURNS = {"loss.backward()": [CORE], DRAWING: [OPERATIONS]}
OURS = ("minigrad/", "models/", "viz/")


class Stop(NamedTuple):
    """A function of ours: its file from the root of the repository, its qualified name."""

    file: str
    name: str

    @property
    def room(self):
        return str(PurePosixPath(self.file).parent)


class Call(NamedTuple):
    """Who called whom; what lies between and is not ours is left out."""

    caller: Stop | None
    called: Stop


class Trip(NamedTuple):
    """A section of the page."""

    stops: list[Stop]
    on_the_way: set[str]


def section(text):
    """The stops and the files that a section of the page names."""
    on_the_way = ON_THE_WAY.search(text)
    files = re.findall(r"`(\S+)`", on_the_way[1]) if on_the_way else []
    assert len(files) == len(set(files))
    return Trip([Stop(*stop) for stop in STOP.findall(text)], set(files))


TRIPS = {title: section(text) for title, text in SECTION.findall(PAGE)}


def loss():
    """The loss of a tanh RNN of three steps."""
    rng = np.random.default_rng(1)
    W_xh = mg.tensor(rng.normal(size=(2, 2)), requires_grad=True, name="W_xh")
    W_hh = mg.tensor(rng.normal(size=(2, 2)), requires_grad=True, name="W_hh")
    X = mg.tensor(rng.normal(size=(3, 1, 2)), name="X")
    h = mg.tensor(np.zeros((1, 2)), name="h_0")
    for t in (1, 2, 3):
        with mg.timestep(t):
            h = np.tanh(X[t - 1] @ W_xh + h @ W_hh).named(f"h_{t}")
    return np.mean(h * h).named("L")


@functools.cache
def stop_in(code):
    """The stop that this code is, or None where it is not ours."""
    file = Path(code.co_filename)
    if not file.is_absolute() or not file.resolve().is_relative_to(ROOT):
        return None
    path = file.resolve().relative_to(ROOT).as_posix()
    return Stop(path, code.co_qualname.split(".<locals>")[0]) if path.startswith(OURS) else None


def stop_of(frame):
    """The function of ours that a frame runs, or runs for: a comprehension is part of its function."""
    while frame is not None and stop_in(frame.f_code) is None:
        frame = frame.f_back
    return frame and stop_in(frame.f_code)


def calls_of(make_trip):
    """Every call of a function of ours, in order."""
    calls = []

    def look(frame, event, arg):
        if event == "call":
            called = stop_of(frame)
            caller = stop_of(frame.f_back)
            if called not in (None, caller):
                calls.append(Call(caller, called))

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        make_trip()
    finally:
        sys.setprofile(before)
    return calls


@pytest.fixture(scope="module")
def journeys(tmp_path_factory):
    """The calls of each trip."""
    picture = tmp_path_factory.mktemp("trip") / "tape.svg"
    eager = loss()
    tape = mg.Tape.of(loss())
    training = differentiate(mg.Tape.of(loss()))
    # as if no number was read in this process yet: backward looks no further then
    mg.Tensor.last_read = -1
    return {
        "loss.backward()": calls_of(eager.backward),
        "mg.compile(tape)": calls_of(lambda: mg.compile(training)),
        DRAWING: calls_of(lambda: viz.render(viz.draw(tape), picture)),
    }


def rooms_of(stops):
    """The rooms in the order of the stops, those of neighbours once."""
    return [room for room, _ in itertools.groupby(stop.room for stop in stops)]


def test_the_page_has_the_three_trips(journeys):
    assert list(TRIPS) == list(journeys)
    assert all(len(trip.stops) > 8 for trip in TRIPS.values())


@pytest.mark.parametrize("title", TRIPS)
def test_the_stops_are_called_in_this_order(title, journeys):
    first_calls = list(dict.fromkeys(call.called for call in journeys[title]))
    stops = TRIPS[title].stops
    assert [stop for stop in stops if stop not in first_calls] == []
    assert [stop for stop in first_calls if stop in stops] == stops


@pytest.mark.parametrize("title", TRIPS)
def test_no_trip_returns_to_a_room_but_for_what_the_page_says(title):
    rooms = rooms_of(TRIPS[title].stops)
    returns = [room for i, room in enumerate(rooms) if room in rooms[:i]]
    assert returns == RETURNS.get(title, [])


def calls_between_rooms(title, journeys):
    """What the stops call in other rooms themselves, in order.

    To ask a value that an earlier room handed on, which is what its methods are for, is no return.
    """
    stops = TRIPS[title].stops
    for call in journeys[title]:
        if call.caller not in stops or call.called.room == call.caller.room:
            continue
        _, _, method = call.called.name.rpartition(".")
        is_value_asked = "." in call.called.name and method != "__init__"
        if call.called in stops or not is_value_asked:
            yield call


@pytest.mark.parametrize("title", TRIPS)
def test_what_a_stop_calls_lies_ahead_or_is_named_as_on_the_way(title, journeys):
    trip = TRIPS[title]
    rooms = rooms_of(trip.stops)
    farthest = {stop: rooms.index(stop.room) for stop in trip.stops}
    for caller, called in calls_between_rooms(title, journeys):
        if called.file in trip.on_the_way:
            continue
        assert called.room in rooms, f"{caller} calls {called}: a room that the page leaves out"
        place = rooms.index(called.room)
        assert place >= farthest[caller], f"{caller} goes back to {called}"
        farthest[caller] = place


@pytest.mark.parametrize("title", TRIPS)
def test_what_is_called_on_the_way_lies_above_or_in_the_core(title, journeys):
    on_the_way = TRIPS[title].on_the_way
    between = list(calls_between_rooms(title, journeys))
    assert on_the_way <= {call.called.file for call in between}
    for caller, called in between:
        if called.file in on_the_way:
            above = [str(folder) for folder in PurePosixPath(caller.room).parents]
            in_the_core = called.room.startswith(CORE)
            assert in_the_core or called.room in [*above, "minigrad"], f"{caller} calls {called}"

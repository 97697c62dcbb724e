"""Influence balancing: short truncation goes the wrong way, ARTBP does not."""

import json

import numpy as np
import pytest

from minigrad.models.book import balancing


def test_the_long_influences_outweigh_the_short_ones():
    """The sign of the summed gradient at the start, from the state after a long run: wrong below length 110."""
    signs = {}
    s = np.ones(23)
    for _ in range(30):
        s = balancing.block(100).replay({"s": s})[2]
    for k in (10, 50, 100, 110, 120, 200):
        signs[k] = np.sign(balancing.block(k).replay({"s": s})[1])
    assert signs == {10: -1, 50: -1, 100: -1, 110: signs[110], 120: 1, 200: 1}


def test_theta_s_optimum_is_a_fixed_point():
    s, t = np.ones(23), balancing.OPTIMUM
    for _ in range(30):
        s = balancing.block(100).replay({"s": s, "theta": np.array(t)})[2]
    assert s[0] == pytest.approx(1, abs=1e-9)


def test_a_block_is_the_closed_form():
    loss, g, last = (x.data for x in balancing.block(3).outputs)
    A, v = (np.eye(23) + np.eye(23, k=1)) / 2, np.r_[np.ones(10), -np.ones(13)]
    s, ds, expected = np.ones(23), np.zeros(23), 0.0
    for _ in range(3):
        s, ds = A @ s + 0.5 * v, A @ ds + v
        expected += (s[0] - 1) * ds[0]
    np.testing.assert_allclose(last, s)
    assert g == pytest.approx(expected)
    assert loss.shape == ()


def test_short_truncation_goes_the_wrong_way_and_artbp_does_not():
    runs = balancing.balancing((10, 400), (16,), (0, 1), steps=4000)
    wrong, right, *random = (abs(r.theta[-1] - balancing.OPTIMUM) for r in runs)
    assert wrong > 2 / 3 > max(right, *random)
    assert [line.split()[0] for line in balancing.table(runs).splitlines()[1:]] == [
        "truncation"
    ] * 2 + ["ARTBP"] * 2


def test_numbers_are_written_as_numbers():
    runs = balancing.balancing((10,), (), (), steps=20)
    head, start, *rows = balancing.as_csv(runs).decode().splitlines()
    assert (head, start) == ("run,steps,theta", "truncation 10,0,0.5")
    read = json.loads(balancing.as_json(runs, command="x"))
    assert [float(row.split(",")[2]) for row in rows] == read["runs"][0]["theta"][1:]

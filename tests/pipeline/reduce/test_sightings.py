"""Sightings: said in one order, kept in one order, whatever came first."""

from itertools import permutations

from pipeline.reduce.packing import dump
from pipeline.reduce.sightings import SightingBook
from schemas.component import Component

CART = Component(name="cart")
CLASSES = ("pool", "latency", "cpu", "traffic", "memory")


def test_the_order_in_which_classes_were_seen_shows_nowhere():
    frozen, told = set(), set()
    for order in permutations(CLASSES):
        book = SightingBook()
        for name in (*order, *order):
            book.add_class("prod", CART, name, 1)
        frozen.add(dump(book.entries))
        told |= set(book.tell("prod", 10))
    assert len(frozen) == 1
    assert [sighting.metric_classes for sighting in told] == [tuple(sorted(CLASSES))]

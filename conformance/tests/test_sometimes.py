"""Each condition is reached by a short history and not by a near miss; good runs on right servers reach them all."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from seqproof_conformance import boundary, memory, quotient
from seqproof_conformance.codes import INCONCLUSIVE, codes_of, exit_code
from seqproof_conformance.runner import Runner
from seqproof_conformance.sometimes import CONDITIONS, Watch, expected, missing
from seqproof_conformance.suite import golden
from seqproof_model import history as h
from seqproof_model.assessment import assess
from seqproof_model.judge import Judge
from seqproof_model.profile import Profile, find
from seqproof_model.script import events
from seqproof_model.verdict import Coverage

Build = Callable[..., Any]
STRICT, GAPPY = find("strict"), find("gappy")
ALL = frozenset(
    "kill preset_seq trim paging fail_next_store overlap begin_send send_seq tips recv_raw backup".split()  # noqa: SIM905
)
CONFIRMED = "s a =1; A 0 : 1a; A 1 :"
TOP = 2**32 - 1

# name: a history that reaches it, and one that nearly does. "settled n" stands for a reply that arrives late.
TABLE = {
    "lost-reply-asked-again": ("s a =1; A 0 : 1a ~; A 0 : 1a", "s a =1; 2( A 0; 2) : 1a ~; settled 2; A 0 : 1a"),
    "another-phone-while-unconfirmed": ("s a =1; A 0 : 1a; B 0 : 1a", "s a =1; A 0 : 1a; A 1 :; B 0 :"),
    "a-recv-confirmed": ("s a =1; A 1 :", "s a =1; A 0 : 1a; A 2 :"),
    "asked-below-confirmed": (f"{CONFIRMED}; B 0 :", "s a =1; A 0 : 1a; B 0 : 1a"),
    "a-recv-ahead": ("s a =1; A 2 !ahead", "1( s a; s b =1; A 2 !ahead; 1) =2"),
    "late-request": ("s a =1; A 1 :; A 0 :", "s a =1; A 1 :; B 0 :"),
    "late-reply": ("s a =1; 2( A 0; 2) : 1a ~; A 0 : 1a; settled 2", "s a =1; 2( A 0; 2) : 1a ~; settled 2; A 1 :"),
    "send-repeated": ("s a@c =1; s a@c =1", "s a@c !store; s a@c =1"),
    "two-accounts": ("s a =1; y/s b =1; A 0 : 1a", "s a =1; A 0 : 1a; y/s b =1; y/B 0 : 1b"),
    "no-answer-and-others-followed": ("s a ?; A 0 : 1a", "s a !unreachable; A 0 :; s b ?"),
    "kill-before-the-first-read": ("s a =1; kill; A 0 : 1a", "s a =1; A 0 : 1a; kill; A 0 : 1a"),
    "kill-after-a-confirm": (f"{CONFIRMED}; kill; B 0 :", f"{CONFIRMED}; B 0 :; kill; B 0 :"),
    "crossed-2^24": ("preset 16777214; s a =16777215; s b =16777216", "preset 16777215; s a =16777216; s b =16777217"),
    "crossed-2^31": (
        "preset 2147483646; s a =; s b =; A 0 : 2147483647a 2147483648b",
        "preset 2147483646; s a =; s b =; A 0 : 2147483647a",
    ),
    "seq-max-reached": (f"preset {TOP - 1}; s a ={TOP}", f"preset {TOP}; s a !full"),
    "refused-for-space": (f"preset {TOP - 1}; s a ={TOP}; s b !full", f"preset {TOP - 2}; s a ={TOP - 1}; s b !full"),
    "next-page-asked": ("s a =1; s b =2; A 0 : 1a +; A 1 : 2b -", "s a =1; s b =2; A 0 : 1a + ~; A 0 : 1a +"),
    "trimmed-and-read-around": (f"{CONFIRMED}; s b =2; trim; B 0 : 2b", "s a =1; A 0 : 1a; trim; B 0 : 1a"),
    "store-failed-and-repeated": ("s a@c !store; s a@c =1", "s a@c !store; s b@d =1"),
    "two-sends-at-once": ("1( s a; 2( s b; 1) ?; 2) =2", "1( s a; 2( y/s b; 1) =1; 2) =1"),
    "recv-during-a-send": ("1( A 0; 2( s a; 2) =1; 1) :", "1( A 0; 2( B 0; 2) :; 1) :; s a =1"),
    "held-send-passed": ("1( s a; s b =2; A 0 :; 1) =1", "1( s a; 3( A 0; s b =2; 3) :; 1) =1"),
    "tips-after-a-message": ("login A; s a =1; tips A", "login A; s a =1; A 0 : 1a; tips A"),
    "tips-each-time": ("login A; s a =1; tips A; s b =2; tips A", "login A; s a =1; tips A; login A; s b =2; tips A"),
    "tips-after-the-route-moved": ("login A; login B; s a =1; tips B", "login A; s a =1; login B; tips B"),
    "tips-after-a-late-logout": (
        "login A; login B; logout A; s a =1; tips B",
        "login A; logout A; login B; s a =1; tips B",
    ),
    "tips-with-nobody-connected": ("login A; logout A; s a =1; tips (A)", "login A; login B; logout B; s a =1; tips"),
    "tips-after-a-kill": ("login A; kill; login A; s a =1; tips A", "login A; kill; s a =1; tips"),
    "malformed-negative": ("s a =1; raw -1 !malformed; A 0 : 1a", "s a =1; A 0 : 1a; raw -1 !malformed; A 1 :"),
    "malformed-fraction": ("s a =1; raw 1.5 :; A 0 : 1a", "s a =1; raw 1.0 :; A 0 : 1a"),
    "malformed-above": ("s a =1; raw 4294967296 !ahead; A 0 : 1a", "s a =1; raw 4294967295 !ahead; A 0 : 1a"),
    "malformed-word": ("s a =1; raw null !malformed; A 0 : 1a", "s a =1; raw null !unreachable; A 0 : 1a"),
    "restored-and-went-on": ("backup; s a =1; restore; s b =1; A 0 : 1b @e2", "s a =1; backup; restore; s b =2; A 0 :"),
    "restored-twice": (
        "backup; s a =1; restore; s b =1; restore; s c =1; A 0 : 1c",
        "backup; s a =1; restore; A 0 :; restore; s c =1; A 0 : 1c",
    ),
}


def watched(text: str, profile: Profile = STRICT) -> Watch:
    watch = Watch(profile)
    for event in events(text):
        watch.feed(h.Delivered(event.id) if isinstance(event, h.Settled) else event)
    return watch


def test_the_table_here_has_every_condition() -> None:
    assert list(TABLE) == [condition.name for condition in CONDITIONS]


@pytest.mark.parametrize("name", TABLE)
def test_a_history_reaches_it(name: str) -> None:
    assert watched(TABLE[name][0]).reached[name] == 1


@pytest.mark.parametrize("name", TABLE)
def test_a_near_miss_does_not(name: str) -> None:
    assert watched(TABLE[name][1]).reached[name] == 0


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda condition: condition.name)
def test_it_is_said_in_a_plain_sentence(condition: Any) -> None:
    assert condition.text[0].islower() or condition.text[0].isdigit()
    assert not condition.text.endswith(".")
    assert condition.needs <= ALL


MORE = [
    ("lost-reply-asked-again", "s a =1; A 0 : 1a ~; A 1 :"),
    ("lost-reply-asked-again", "A 0 : ~; A 0 :"),  # nothing was lost
    ("another-phone-while-unconfirmed", "s a =1; A 0 : 1a; A 0 : 1a"),
    ("a-recv-ahead", "s a ?; A 1 !ahead"),  # it may be there by now
    ("a-recv-ahead", "s a =1; A 2 : 2b"),
    ("send-repeated", "s a@- =1; s a@- =2"),
    ("send-repeated", "s a@c =1; s a@c%t =2"),
    ("two-accounts", "y/s b =1; s a =1; A 0 : 1a"),
    ("no-answer-and-others-followed", "1( A 0; 1) : ~; B 0 : ~"),
    ("kill-before-the-first-read", "1( s a; A 0 : 1a; 1) =1; kill; A 0 : 1a"),  # read before it was acknowledged
    ("kill-before-the-first-read", "s a@c ?; A 0 : 1a; s a@c =1; kill; A 0 : 1a"),
    ("kill-before-the-first-read", "1( A 0; s a =1; kill; 1) : 1a"),  # it began before the kill
    ("trimmed-and-read-around", f"{CONFIRMED}; 9( B 0; trim; 9) :"),  # it began before the trim
    ("next-page-asked", "s a =1; s b =2; A 0 : 1a 2b -; s c =3; A 2 : 3c -"),
    ("held-send-passed", "1( s a; s b =2; 3( A 0; 1) =1; 3) : 1a 2b"),
    ("tips-after-a-message", "login A; 1( s a; s b =1; tips A; 1) =2"),  # the first may hide the second
    ("tips-after-a-message", "login A; s a@c ?; s a@c =1; tips A"),  # a repeat may store nothing
    ("tips-after-a-message", "login A; s a ?; s b =2; tips A"),
    ("tips-after-a-message", "s a =1; login A; tips A"),
    ("tips-after-a-message", "1( s a; login A; 1) =1; tips A"),
    ("tips-after-a-message", "login A; s a =1; 2( A 0; tips A; 2) : 1a"),  # it may be read already
    ("tips-after-a-message", "login A; s a =1; kill; tips"),
    ("tips-with-nobody-connected", "s a =1; tips"),
    ("malformed-negative", "s a =1; raw -1 ?; A 0 : 1a"),
    ("restored-and-went-on", "s a =1; restore; s b =1; A 0 : 1b"),  # no backup: nothing is known
    ("restored-and-went-on", "backup; s a =1; restore; A 0 : 1a"),
]


@pytest.mark.parametrize(("name", "text"), MORE)
def test_nor_does_what_only_looks_like_it(name: str, text: str) -> None:
    assert watched(text).reached[name] == 0


ALSO = [
    ("a-recv-ahead", "s a =1; A 2 :"),  # answered with nothing: allowed
    ("send-repeated", "s a@c ?; s a@c =1"),
    ("send-repeated", "s a@c =1 ~; s a@c =1"),
    ("no-answer-and-others-followed", "s a =1 ~; A 0 : 1a"),
    ("kill-before-the-first-read", "s a =; kill; A 0 : 1a"),  # by its body, where no seq is told
    ("next-page-asked", "s a =1; s b =2; A 0 : 1a; A 1 : 2b"),  # the server does not say that more is due
    ("recv-during-a-send", "1( s a; A 0 :; 1) =1"),
    ("two-sends-at-once", "1( s a; s b =1; 1) =2"),
]


@pytest.mark.parametrize(("name", "text"), ALSO)
def test_what_is_the_same_in_other_words_reaches_it(name: str, text: str) -> None:
    assert watched(text).reached[name] >= 1


def test_where_gaps_are_allowed_only_the_server_can_say_that_a_recv_is_ahead_or_the_space_is_full() -> None:
    assert not watched("s a =1; A 3 :", GAPPY).reached["a-recv-ahead"]
    assert watched("s a =1; A 3 !ahead", GAPPY).reached["a-recv-ahead"]
    assert watched("s a =1; s b !full", GAPPY).reached["refused-for-space"]


# ---------------------------------------------------------------- what is expected


def names(capabilities: frozenset[str], profile: Profile) -> set[str]:
    return {condition.name for condition in expected(capabilities, profile)}


def test_what_is_expected_follows_from_the_capabilities_and_the_space() -> None:
    everything = set(TABLE)
    assert names(ALL, STRICT) == everything
    killed = {"kill-before-the-first-read", "kill-after-a-confirm", "tips-after-a-kill"}
    assert everything - names(ALL - {"kill"}, STRICT) == killed
    assert everything - names(ALL - {"overlap"}, STRICT) == {"two-sends-at-once", "recv-during-a-send"}
    assert everything - names(ALL - {"begin_send"}, STRICT) == {"held-send-passed"}
    assert everything - names(ALL - {"tips"}, STRICT) == {name for name in TABLE if name.startswith("tips-")}
    assert everything - names(ALL - {"recv_raw"}, STRICT) == {name for name in TABLE if name.startswith("malformed-")}
    assert everything - names(ALL - {"backup"}, STRICT) == {"restored-and-went-on", "restored-twice"}
    assert everything - names(ALL, Profile("small", seq_max=12)) == {"crossed-2^24", "crossed-2^31"}
    assert everything - names(ALL, Profile("high", first_seq=2**30)) == {"crossed-2^24"}
    assert everything - names(ALL, GAPPY) == {"seq-max-reached"}
    assert names(frozenset(), STRICT) == {c.name for c in CONDITIONS if not c.needs}


def test_what_never_happened_is_missing() -> None:
    watch = watched(f"{CONFIRMED}; B 0 :")
    assert "asked-below-confirmed" not in {c.name for c in missing(watch, ALL, STRICT)}
    assert "late-request" in {c.name for c in missing(watch, ALL, STRICT)}
    assert len(missing(Watch(STRICT), ALL, STRICT)) == len(CONDITIONS)


def good_run(bench: Build, target: str) -> tuple[list[h.Event], set[str]]:
    """All that is played one by one on a target, and its capabilities besides those for overlap, which needs more."""
    made = bench(target, STRICT)
    runner: Runner = made.runner
    capabilities = {str(c) for c in runner.hello.capabilities} - {"overlap", "begin_send"}
    for scenario in [*golden(), *boundary.scenarios(STRICT), *quotient.tours(STRICT, capabilities)]:
        if not runner.why_not(scenario):
            runner.play(scenario)
    return made.recorded, capabilities


@pytest.mark.parametrize("target", ["mutant:CORRECT", "mutant:CORRECT_PAGED"])
def test_a_good_run_on_a_right_server_misses_nothing(bench: Build, target: str) -> None:
    recorded, capabilities = good_run(bench, target)
    watch = Watch(STRICT)
    for event in recorded:
        watch.feed(event)
    assert missing(watch, capabilities, STRICT) == []
    half = Watch(STRICT)
    for event in recorded[: len(recorded) // 20]:
        half.feed(event)
    assert missing(half, capabilities, STRICT)


LACKS = [
    (h.Tips, "tips-"),
    (h.RecvRaw, "malformed-"),
    (h.Restore, "restored-"),
]


@pytest.mark.parametrize(("kind", "name"), LACKS)
def test_a_run_that_lacks_one_kind_of_event_is_inconclusive(bench: Build, kind: type[Any], name: str) -> None:
    """Each declared capability has its conditions; without the events the run is no pass, whatever else it did."""
    recorded, capabilities = good_run(bench, "mutant:CORRECT")
    watch, judge = Watch(STRICT), Judge(STRICT, paged=False)
    for event in recorded:
        judge.feed(event)
        if not isinstance(event, kind):
            watch.feed(event)
    never = missing(watch, capabilities, STRICT)
    assert [condition.name for condition in never] == [each for each in TABLE if each.startswith(name)]
    header = h.Header(target="mutant:CORRECT", capabilities=tuple(capabilities), profile=STRICT)
    verdict = msgspec.structs.replace(
        judge.verdict(header), coverage=Coverage(never=tuple(condition.text for condition in never))
    )
    assert f"it never happened that {never[0].text}" in verdict.inconclusive
    assert exit_code(codes_of(assess(verdict))) == INCONCLUSIVE


# ---------------------------------------------------------------- the watch


def test_the_counts_of_processes_add_up() -> None:
    one, other = watched(CONFIRMED), watched(f"{CONFIRMED}; B 0 :")
    one.merge(pickle.loads(pickle.dumps(other)))  # noqa: S301 - our own bytes
    assert one.reached["a-recv-confirmed"] == 2
    assert one.reached["asked-below-confirmed"] == 1


def test_what_is_remembered_of_accounts_does_not_travel() -> None:
    watch = Watch(STRICT)
    small = len(pickle.dumps(watch))
    for number in range(500):
        for event in events("s a =1"):
            watch.feed(h.Send(number, f"x{number}", "a") if isinstance(event, h.Send) else h.Ok(number, seq=1))
    assert len(pickle.dumps(watch)) < small + 100


def test_of_many_accounts_the_oldest_are_forgotten_and_not_taken_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT", 2)
    text = "s a =1; x/A 0 : 1a; y/A 0 :; z/A 0 :; x/A 1 :; B 0 :"
    assert watched(text).reached["asked-below-confirmed"] == 0
    monkeypatch.setattr(memory, "KEPT", 3)
    assert watched(text).reached["asked-below-confirmed"] == 1


def test_accounts_may_interleave_and_marks_are_no_matter() -> None:
    watch = Watch(STRICT)
    for one, other in zip(events("s a =1; A 0 : 1a; A 1 :"), events("s a =1; A 0 : 1a; B 0 : 1a"), strict=True):
        for event, name, add in ((one, "p", 0), (other, "q", 100)):
            watch.feed(h.Mark("somewhere"))
            watch.feed(renamed(event, name, add))
    assert watch.reached["a-recv-confirmed"] == 1
    assert watch.reached["another-phone-while-unconfirmed"] == 1
    assert watch.reached["two-accounts"] == 3


def renamed(event: Any, account: str, add: int) -> Any:
    match event:
        case h.Send():
            return h.Send(event.id + add, account, event.body)
        case h.Recv():
            return h.Recv(event.id + add, account, event.phone, event.seq_cli)
        case _:
            return h.Ok(event.id + add, seq=event.seq, rows=event.rows)


def test_an_answer_to_what_never_began_is_no_matter() -> None:
    watch = Watch(STRICT)
    for event in (h.Ok(9, seq=1), h.Delivered(9), h.Refused(h.Code.FULL, id=9), h.Indefinite("gone", id=9)):
        watch.feed(event)
    assert not watch.reached

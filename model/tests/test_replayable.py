"""Traces of the model as scenarios: what is merged, what stays under way, where they begin, and how they end."""

from __future__ import annotations

import pytest

from seqproof_model import scenario as sc
from seqproof_model.bounded import Bounded, Instance
from seqproof_model.engines import replayable
from seqproof_model.engines.explore import Explorer
from seqproof_model.engines.replayable import NotReplayableError, Place
from seqproof_model.faults import MODELS
from seqproof_model.network import CORRECT
from seqproof_model.scenario import Scenario
from seqproof_model.scope import Scope
from seqproof_model.trace import Trace, trace

END = "F A s F A s F A* F"
WIDE = Scope(2, 6, 2, duplicates=True, crash=True, trim=True, restore=True)


def run(text: str, scope: Scope = WIDE) -> Trace:
    """A run of the correct model: action names, each with its phone and slot, or its literal: ``send ask0 recv0.1``."""
    bounded = Bounded(CORRECT, scope)
    known: dict[str, Instance] = {}
    for i in bounded.instances:
        pick = i.phone if i.literal is None else i.literal
        name = i.action.name + ("" if pick is None else str(pick))
        known |= {name if not i.slot else f"{name}.{i.slot}": i}
    return trace(bounded, [known[word] for word in text.split()])


def notation(text: str, scope: Scope = WIDE) -> str:
    return Scenario("it", replayable.steps_of(run(text, scope))).notation()


def counterexample(name: str) -> Trace:
    """A shortest one."""
    found = Explorer(Bounded(MODELS[name].definition, MODELS[name].scope())).run().counterexample
    assert found
    return found


# ---------------------------------------------------------------- what is kept


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("send", "s"),
        ("send ask0 recv0 deliver0", "s A"),
        ("send ask1 recv1 lose_reply1", "s Bx"),
        ("send ask0 lose_request0", "s A?"),
        ("send ask0", "s A?"),
        ("send ask0 recv0", "s Ax"),
        ("send ask0 recv0 lose_reply0 ask0 recv0 deliver0", "s Ax A"),
        ("send ask0 recv0 deliver0 ask0 recv0 deliver0 trim", "s A A trim"),
        ("ahead2 send", "R(2) s"),
        ("send crash restart", "s !"),
        ("send crash", "s !"),
        ("backup send", "s"),
    ],
)
def test_steps_that_belong_together_are_one(text: str, steps: str) -> None:
    assert notation(text) == steps


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("ask0 send recv0 deliver0", "s A"),
        ("send ask0 ask1 recv1 deliver1 recv0 deliver0", "s B A"),
        ("send ask0 recv0 send deliver0", "s A s"),
        ("send ask0 recv0 ask1 recv1 deliver0 deliver1", "s A B"),
        ("send ask0 recv0 crash deliver0 restart", "s A !"),
    ],
)
def test_when_a_phone_asks_and_gets_makes_no_difference_while_it_does_nothing_else(text: str, steps: str) -> None:
    assert notation(text) == steps


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("send ask0 recv0 ask0 deliver0 recv0 deliver0", "s A<p1 A>r1 p1 r1"),
        ("send ask0 recv_dup0 deliver0 recv0 deliver0", "s A>r1 r1. r1"),
        ("send ask0 recv_dup0 deliver0 send recv0 lose_reply0", "s A>r1 r1. s r1x"),
        ("send ask0 recv0 deliver_dup0 ask0 deliver0", "s A<p1 p1. A? p1"),
        ("send ask0 recv0 send ask0 recv0 deliver0.1 deliver0", "s A<p1 s A p1"),
        ("send ask0 recv_dup0 send ask0 recv0 deliver0.1 lose_reply0", "s A>r1 r1x. s r1"),
    ],
)
def test_what_is_late_or_comes_twice_stays_under_way_by_name(text: str, steps: str) -> None:
    assert notation(text) == steps


def test_a_late_request_may_have_a_late_reply() -> None:
    text = "send ask0 recv0 ask0 deliver0 send recv0 ask0 recv0 deliver0.1 deliver0"
    assert notation(text) == "s A<p1 A>r1 p1 s r1<p2 A p2"


def test_a_phone_that_an_empty_reply_moved_asks_with_a_literal() -> None:
    served = "send ask0 recv0 deliver0 ask0 recv0 deliver0"
    assert notation(f"{served} ask1 recv1 deliver1 ask1 recv1 deliver1") == "s A A B B(1)"


def test_with_pages_a_phone_always_asks_with_what_it_holds() -> None:
    served = "send ask0 recv0 deliver0 ask0 recv0 deliver0"
    text = f"{served} ask1 recv1 deliver1 ask1 recv1 deliver1"
    assert notation(text, Scope(2, 6, 2, page=1)) == "s A A B B"


def test_a_crash_loses_what_is_on_its_way_to_the_server_unless_it_may_be_late() -> None:
    assert notation("send ask0 crash restart ask0 recv0 deliver0") == "s A? ! A"
    late = Scope(1, 3, crash=True, late=True)
    assert notation("send ask0 crash restart recv0 deliver0", late) == "s ! A"


@pytest.mark.parametrize(
    ("text", "scope", "says"),
    [
        ("take", Scope(overlap=True), "take cannot be replayed: a scenario's requests do not overlap"),
        ("ask0 begin0", Scope(overlap=True), "begin(phone=0, slot=0) cannot be replayed: a scenario's requests do not"),
        ("send crash restore", WIDE, "restore cannot be replayed: a scenario has no step that restores a backup"),
    ],
)
def test_what_no_scenario_can_say_is_refused_in_a_line(text: str, scope: Scope, says: str) -> None:
    with pytest.raises(NotReplayableError) as caught:
        replayable.scenario(run(text, scope))
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)


def test_a_trace_that_begins_in_the_middle_of_things_is_refused() -> None:
    found = run("send send ask0")
    later = trace(found.bounded, found.steps[1:], found.states[1])
    with pytest.raises(NotReplayableError, match="does not begin in an initial state"):
        replayable.scenario(later)


# ---------------------------------------------------------------- where it begins


@pytest.mark.parametrize("name", ["ACK_ON_REPLY", "PAGE_NEWEST", "VOLATILE_SEQ", "CLAMP_CONFIRMS", "TRIM_PLUS1"])
def test_a_fault_that_shows_anywhere_begins_with_an_empty_account(name: str) -> None:
    assert replayable.place(counterexample(name)) is Place.BOTTOM
    assert "preset" not in replayable.scenario(counterexample(name)).notation()


@pytest.mark.parametrize("name", ["SIGNED_MAX", "CAP_INT32"])
def test_a_fault_of_signed_numbers_begins_below_the_first_negative_one(name: str) -> None:
    assert replayable.place(counterexample(name)) is Place.MIDDLE
    assert replayable.scenario(counterexample(name)).steps[0] == sc.Preset(seq=2**31 - 2)


@pytest.mark.parametrize("name", ["WRAP_0", "WRAP_1", "UINTMAX_REFUSED", "FULL_BLOCKS_RECV"])
def test_a_fault_at_the_end_of_the_space_begins_below_the_top(name: str) -> None:
    assert replayable.place(counterexample(name)) is Place.TOP
    assert replayable.scenario(counterexample(name)).steps[0] == sc.Preset(below_top=2)


def test_a_trace_that_breaks_nothing_begins_with_an_empty_account_unless_another_place_is_wanted() -> None:
    found = run("send ahead3")
    assert replayable.place(found) is Place.BOTTOM
    steps = replayable.steps_of(found, Place.MIDDLE)
    assert steps == (sc.Preset(seq=2**31 - 4), sc.Send(), sc.Recv(phone="R", seq_cli=2**31 - 1))
    with pytest.raises(NotReplayableError, match=r"ahead\(literal=3\) cannot be replayed: at the top, no seq"):
        replayable.steps_of(found, Place.TOP)


# ---------------------------------------------------------------- the whole scenario


def test_the_end_asks_with_a_new_phone_before_anybody_confirms_and_after_every_change() -> None:
    assert replayable.scenario(run("send", Scope(1, 1))).notation() == f"s {END}"
    assert replayable.scenario(run("send", Scope(2, 1))).notation() == "s F A B s F A B s F A* B* F"


def test_the_end_kills_and_trims_once_more_where_the_trace_did() -> None:
    confirmed = "send ask0 recv0 deliver0 ask0 recv0 deliver0"
    assert replayable.scenario(run("crash restart send")).notation() == "! s F A B s ! F A B s F A* B* F"
    assert replayable.scenario(run(f"{confirmed} trim")).notation() == "s A A trim F A B s trim F A B s F A* B* F"


def test_the_end_has_more_than_a_page_where_there_are_pages() -> None:
    end = replayable.scenario(run("send", Scope(1, 1, page=1))).notation()
    assert end == "s F A s[20000] s*100 F A s F A* F"


def test_it_says_what_the_model_breaks_and_what_that_violates() -> None:
    made = replayable.scenario(counterexample("LOW_INCLUSIVE"))
    assert made.name == "model-LOW_INCLUSIVE"
    assert made.title == "A reply begins with the lower end itself"
    assert made.text.startswith("6 steps of the model break: a reply begins where asked. ")
    assert made.observes == ("RCV-4", "CNF-1")
    assert replayable.scenario(run("send")).name == "model-CORRECT"


def test_it_does_not_say_to_observe_what_its_steps_cannot_show() -> None:
    ids = {p.name: p.ids for p in Bounded(CORRECT, Scope()).properties}
    assert "RCV-6" in ids["confirmed moves by recv alone"]  # about a recv that is ahead, which this trace has not
    assert replayable.scenario(counterexample("ACK_ON_REPLY")).observes == ("CNF-3",)
    assert "RCV-6" in replayable.scenario(counterexample("CLAMP_CONFIRMS")).observes


def test_there_may_be_more_phones_than_letters() -> None:
    made = replayable.scenario(run("send ask30 recv30 deliver30", Scope(31, 1)))
    assert made.notation().startswith("s P30 F A B C D E G H ")


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if not model.right])
def test_every_fault_makes_a_scenario_file_or_says_why_not(name: str) -> None:
    try:
        made = replayable.scenario(counterexample(name))
    except NotReplayableError:
        needs = MODELS[name].needs
        assert "overlap" in needs or name == "RESTORE_REUSES_SEQS"
        return
    assert sc.decode(sc.encode(made)) == made
    assert made.title
    assert made.notation().endswith("F")

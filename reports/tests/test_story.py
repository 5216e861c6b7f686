"""The story: what becomes one moment, what each side knows after it, and what is wrong with the violating reply."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seqproof_model import history as h
from seqproof_model.profile import built_in
from seqproof_model.verdict import Counterexample, Nearest, Violation
from seqproof_reports.picture import Fate, Kind, Moment, PhoneState, Role, State, Story
from seqproof_reports.story import tell
from seqproof_reports.text import Span

DATA = Path(__file__).parent / "data"
HEADER = h.Header("reference", ("send_seq",), built_in()["strict"])
PAGED = h.Header("reference", ("send_seq", "paging"), built_in()["strict"])


def story_of(name: str) -> Story:
    found = msgspec.json.decode((DATA / f"{name}.json").read_bytes(), type=Counterexample)
    return tell(found.events, found.header, found.violation)


def state_of(moment: Moment | None) -> State:
    assert moment is not None
    assert moment.state is not None
    return moment.state


def phone(moment: Moment, name: str) -> PhoneState:
    return next(phone for phone in state_of(moment).phones if phone.name == name)


def sent(first: int, last: int) -> list[h.Event]:
    pairs = [(h.Send(n, "x", f"m{n}"), h.Ok(n, seq=n)) for n in range(first, last + 1)]
    return [event for pair in pairs for event in pair]


def received(operation: int, name: str, seq_cli: int, first: int, last: int) -> list[h.Event]:
    rows = tuple((n, f"m{n}") for n in range(first, last + 1))
    return [h.Recv(operation, "x", name, seq_cli), h.Ok(operation, rows=rows)]


def blame(event: int, *, seqs: tuple[int, ...] = (), nearest: Nearest | None = None, confirmed: int = 0) -> Violation:
    return Violation("RCV-1", "I-LOSS", "HOLED", "numbers", event, "x", 1, (), 0, confirmed, seqs, nearest)


def test_a_request_and_its_answer_are_one_moment_and_overlap_is_told_apart() -> None:
    told = [(moment.first, moment.last, moment.kind) for moment in story_of("two_phones_lost_replies").moments[5:10]]
    assert told == [
        (11, 12, Kind.RECV),
        (13, 13, Kind.SEND),
        (14, 14, Kind.RECV),
        (15, 15, Kind.SEND),
        (16, 16, Kind.RECV),
    ]


def test_actors_stand_in_order_of_appearance() -> None:
    story = story_of("two_phones_lost_replies")
    assert [actor.name for actor in story.having(Role.PHONE)] == ["A", "B"]
    assert [actor.name for actor in story.having(Role.SENDER)] == ["s"]


def test_a_lost_request_a_lost_reply_and_a_late_one_have_their_own_fates() -> None:
    moments = story_of("two_phones_lost_replies").moments
    assert [arrow.fate for arrow in moments[2].arrows] == [Fate.LOST]
    assert [arrow.fate for arrow in moments[3].arrows] == [Fate.ARRIVES, Fate.LOST]
    assert [arrow.fate for arrow in moments[5].arrows] == [Fate.ARRIVES, Fate.UNDER_WAY]
    assert [arrow.fate for arrow in moments[10].arrows] == [Fate.LATE]
    assert [arrow.fate for arrow in moments[11].arrows] == [Fate.ARRIVES, Fate.UNKNOWN]


def test_a_phone_moves_only_when_a_reply_reaches_it() -> None:
    moments = story_of("two_phones_lost_replies").moments
    assert phone(moments[3], "A").seq_cli == 0, "the reply was lost"
    assert phone(moments[4], "A") == PhoneState("p:x:A", "A", 2, ((1, 2),))
    assert phone(moments[5], "B").seq_cli == 0, "the reply is under way"
    assert phone(moments[10], "B") == PhoneState("p:x:B", "B", 2, ((1, 2),))


def test_a_phone_is_not_there_before_it_first_asks_and_then_holds_what_it_says() -> None:
    events = [*sent(1, 2), *received(3, "B", 1, 2, 2)]
    first, _, last = tell(events, HEADER).moments
    assert state_of(first).phones == ()
    assert phone(last, "B") == PhoneState("p:x:B", "B", 2, ((2, 2),))


def test_a_request_below_what_the_phone_has_is_called_old() -> None:
    events = [*sent(1, 1), *received(2, "A", 0, 1, 1), *received(3, "A", 0, 1, 1)]
    labels = [moment.arrows[0].label for moment in tell(events, HEADER).moments]
    assert labels == ['send "m1"', "recv after 0", "recv after 0 (old)"]


def test_a_late_reply_never_takes_a_phone_back() -> None:
    events: list[h.Event] = [
        *sent(1, 2),
        h.Recv(3, "x", "A", 0),
        h.Ok(3, rows=((1, "m1"),), delivered=False),
        *received(4, "A", 0, 1, 2),
        h.Delivered(3),
    ]
    assert phone(tell(events, HEADER).moments[-1], "A").seq_cli == 2


def test_an_answered_recv_confirms_and_one_that_is_ahead_does_not() -> None:
    events = [*sent(1, 3), *received(4, "A", 2, 3, 3), *received(5, "B", 9, 9, 8)]
    confirmed = [(state_of(m).confirmed, state_of(m).confirmed_at) for m in tell(events, HEADER).moments[-2:]]
    assert confirmed == [(2, 8), (2, 8)]


def test_a_preset_allocates_and_leaves_nothing_due() -> None:
    state = state_of(story_of("wrap_at_uint_max").moments[0])
    assert (state.allocated, state.confirmed) == (4294967290, 4294967290)


def test_a_kill_and_its_restart_are_one_moment_and_alone_they_are_two() -> None:
    assert [m.kind for m in tell([h.Kill(), h.Restart()], HEADER).moments] == [Kind.KILL]
    assert [m.kind for m in tell([h.Kill(), h.Trim("x"), h.Restart()], HEADER).moments] == [
        Kind.KILL,
        Kind.TRIM,
        Kind.RESTART,
    ]


@pytest.mark.parametrize(("count", "rows"), [(3, 3), (4, 1), (200, 1)])
def test_four_sends_or_more_in_a_row_become_one_moment(count: int, rows: int) -> None:
    assert len(tell(sent(1, count), HEADER).moments) == rows


def test_a_collapsed_run_keeps_its_events_its_seqs_and_the_state_after_it() -> None:
    moment = tell(sent(101, 150), HEADER).moments[0]
    assert (moment.first, moment.last, moment.count) == (1, 100, 50)
    assert [arrow.label for arrow in moment.arrows] == ["50 sends", "seq 101..150"]
    assert (state_of(moment).allocated, state_of(moment).told) == (150, ((101, 150),))


def test_a_run_stops_at_another_sender_at_a_lost_reply_and_at_the_violation() -> None:
    other: list[h.Event] = [h.Send(9, "x", "m9", sender="t"), h.Ok(9, seq=9)]
    lost: list[h.Event] = [h.Send(9, "x", "m9"), h.Indefinite("timeout", 9)]
    for breach in (other, lost):
        assert [m.count for m in tell([*sent(1, 4), *breach, *sent(10, 13)], HEADER).moments] == [4, 1, 4]
    story = tell(sent(1, 9), HEADER, blame(10))
    assert [(m.count, m.violating) for m in story.moments] == [(4, False), (1, True), (4, False)]


def test_pages_collapse_but_an_empty_reply_stands_alone() -> None:
    pages = [event for n in range(1, 6) for event in received(10 + n, "A", n - 1, n, n)]
    story = tell([*sent(1, 5), *pages, *received(20, "A", 5, 6, 5)], HEADER)
    assert [m.count for m in story.moments] == [5, 5, 1]
    assert story.moments[1].arrows[1].label == "1..5"


@pytest.mark.parametrize(
    ("name", "missing", "repeated", "stake"),
    [
        ("lost_after_kill", ((1, 1),), (), ()),
        ("page_with_a_hole", ((10, 10),), (), ()),
        ("two_phones_lost_replies", (), ((1, 1),), ()),
        ("seq_reused_after_kill", (), (), ((1, 1),)),
        ("wrap_at_uint_max", (), (), ((0, 0),)),
        ("hostile_texts", (), (), ((2, 2),)),
    ],
)
def test_the_violating_moment_names_what_is_missing_repeated_and_at_stake(
    name: str, missing: tuple[Span, ...], repeated: tuple[Span, ...], stake: tuple[Span, ...]
) -> None:
    story = story_of(name)
    state = state_of(story.violating)
    assert (state.missing, state.repeated, state.stake) == (missing, repeated, stake)
    quiet = [state_of(m) for m in story.moments if m.state and not m.violating]
    assert not any(state.missing or state.repeated or state.stake for state in quiet)


def test_rows_of_the_nearest_reply_may_be_the_first_few_only() -> None:
    near = Nearest("1..9", ((1, "m1"), (2, "m2")), 0, 9)
    events = [*sent(1, 9), h.Recv(10, "x", "A", 0), h.Ok(10, rows=((1, "m1"), (2, "m2"), (4, "m4")))]
    violation = blame(len(events), nearest=near, seqs=(3,))
    assert state_of(tell(events, HEADER, violation).violating).missing == ((3, 3), (5, 9))
    assert state_of(tell(events, PAGED, violation).violating).missing == ((3, 3),), "a page may end early"


def test_repeated_reaches_up_to_the_confirmed_mark_and_its_own_request() -> None:
    events = [*sent(1, 6), *received(7, "A", 0, 1, 4), *received(8, "A", 4, 5, 6), *received(9, "B", 1, 3, 6)]
    near = Nearest("5..6", ((5, "m5"), (6, "m6")), 4, 6)
    assert state_of(tell(events, HEADER, blame(len(events), nearest=near)).violating).repeated == ((3, 4),)
    own = [*sent(1, 2), *received(3, "A", 1, 1, 2)]
    near = Nearest("2", ((2, "m2"),), 1, 2)
    assert state_of(tell(own, HEADER, blame(6, nearest=near)).violating).repeated == ((1, 1),)


def test_a_row_given_twice_in_one_reply_is_repeated() -> None:
    events = [*sent(1, 2), h.Recv(3, "x", "A", 0), h.Ok(3, rows=((1, "m1"), (1, "m1"), (2, "m2")))]
    near = Nearest("1..2", ((1, "m1"), (2, "m2")), 0, 2)
    assert state_of(tell(events, HEADER, blame(6, nearest=near)).violating).repeated == ((1, 1),)


def test_accounts_keep_their_own_marks_and_phones_carry_their_account() -> None:
    story = story_of("hostile_texts")
    assert story.accounts == ("x", "y")
    assert {state.account: state.allocated for state in story.moments[1].states} == {"x": 1, "y": 1}
    assert story.having(Role.PHONE)[0].name.startswith("x:")


def test_an_odd_history_is_still_told() -> None:
    odd: list[h.Event] = [h.Ok(7, seq=1), h.Delivered(8), h.Settled(9), h.Mark("tour 3"), h.Send(1, "x", "m"), h.Kill()]
    assert [moment.first for moment in tell(odd, HEADER, blame(99)).moments] == [1, 2, 3, 4, 5, 6]
    assert tell((), HEADER).moments == ()

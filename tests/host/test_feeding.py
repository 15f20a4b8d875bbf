"""What a host sends again after it asked where the board stands, and what it does not."""

from __future__ import annotations

from hlsgen.algebra.link import ACCEPTED, REPEAT
from hlsgen.host.connection import _Feeding
from hlsgen.host.frames import Frame

CAPACITY = 1024


def sent(feeding: _Feeding) -> list[int]:
    """Positions of all frames that may go out now."""
    positions = []
    while (frame := feeding.frame(0)) is not None:
        positions.append(frame.position)
    return positions


def accepted(position: int, taken: int = 0, kind: int = ACCEPTED.code) -> Frame:
    return Frame(kind, position, (taken + CAPACITY).to_bytes(2, "little"))


def asked() -> _Feeding:
    """Four frames are on the line, and ASK behind them."""
    feeding = _Feeding(bytes(5000), 0, CAPACITY)
    assert sent(feeding) == [0, 255, 510, 765]
    feeding.asked = feeding.sent
    return feeding


def test_a_slow_board_is_not_sent_again_what_is_on_the_line() -> None:
    feeding = asked()
    for position in (255, 510, 765, 1020):
        assert feeding.hear(accepted(position), repeat=False)
        assert sent(feeding) == []
    assert feeding.asked is None
    assert not feeding.hear(accepted(1020), repeat=False)  # the answer to ASK
    assert feeding.sent == 1020


def test_what_the_board_does_not_have_when_it_answers_is_sent_again() -> None:
    feeding = asked()
    assert feeding.hear(accepted(255), repeat=False)
    assert not feeding.hear(accepted(255), repeat=False)  # the answer to ASK
    assert sent(feeding) == [255, 510, 765]
    assert feeding.asked is None


def test_room_that_comes_meanwhile_is_no_loss() -> None:
    feeding = asked()
    feeding.hear(accepted(255), repeat=False)
    feeding.hear(accepted(255, taken=255), repeat=False)
    assert sent(feeding) == [1020]


def test_a_refused_frame_is_sent_again_once_however_many_behind_it_are_refused() -> None:
    feeding = _Feeding(bytes(5000), 0, CAPACITY)
    sent(feeding)
    for _ in range(3):
        feeding.hear(accepted(0, kind=REPEAT.code), repeat=True)
        again = sent(feeding)
        assert again in ([0, 255, 510, 765], [])
    assert again == []

"""What a real socket cannot be made to do at will; all else is tested on a real kernel."""

from __future__ import annotations

import errno
import os
import socket
import struct

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import genetlink
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    Cause,
    Unavailable,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.genetlink import (
    Conversation,
    Refusal,
    namespace,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.messages import (
    message,
)

FAMILY = 33
CONTROL, GET_FAMILY = 16, 3
ERROR, DONE = 2, 3
INTERRUPTED = 0x10
ACKNOWLEDGE, DUMP = 0x04, 0x300


class Line:
    """A socket whose other end follows a script: for each send, what comes back for it.

    A step of the script is called with the sequence numbers of the requests, and gives what each
    receive brings, or raises. Before that the number of the family is asked for.
    """

    def __init__(self, *script):
        self.script = [the_number, *script]
        self.family = CONTROL
        self.sent = []
        self.waiting = []
        self.room = 1 << 20
        self.closed = False

    def setsockopt(self, *_option):
        pass

    def getsockopt(self, _level, _option):
        return self.room

    def send(self, data):
        requests, offset = [], 0
        while offset < len(data):
            length, family, flags, sequence, port, number, version, reserved = struct.unpack_from(
                "=IHHIIBBH", data, offset
            )
            assert (family, port, version, reserved) == (self.family, 0, 1, 0)
            requests.append((number, data[offset + 20 : offset + length], flags, sequence))
            offset += length
        self.family = FAMILY
        self.sent.append([request[:3] for request in requests])
        self.waiting += self.script.pop(0)([request[3] for request in requests])

    def recv(self, _size, _flags=0):
        if not self.waiting:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        received = self.waiting.pop(0)
        if isinstance(received, OSError):
            raise received
        return received

    def close(self):
        self.closed = True


@pytest.fixture
def converse(monkeypatch):
    """A conversation over a line with a script."""

    def start(*script, room=1 << 20):
        line = Line(*script)
        line.room = room
        monkeypatch.setattr(genetlink, "_open", lambda: line)
        kernel = Conversation("IPVS", 1)
        assert line.sent.pop(0) == [(GET_FAMILY, NAME, 1 | ACKNOWLEDGE)]
        return kernel, line

    return start


def answer(sequence, attributes, flags=0):
    """A message of the family: generic header, attributes."""
    return message(FAMILY, sequence, bytes(4) + attributes, flags)


def error(sequence, number=0):
    """A refusal, or with 0 the acknowledgement."""
    return message(ERROR, sequence, struct.pack("=i", -number) + bytes(16))


def done(sequence, flags=0):
    return message(DONE, sequence, bytes(4), flags)


#: Attribute 2, the name; and 1, the number, behind others.
NAME = struct.pack("=HH", 9, 2) + b"IPVS" + bytes(4)
NUMBER = NAME + struct.pack("=HHI", 8, 3, 1) + struct.pack("=HHHxx", 6, 1, FAMILY)


def the_number(sequences):
    return [message(CONTROL, sequences[0], bytes(4) + NUMBER) + error(sequences[0])]


NO_ROOM = OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))


# -- dumps


def test_a_dump_is_what_comes_before_its_end(converse):
    kernel, line = converse(
        lambda seq: [
            answer(seq[0], b"aaaa") + answer(seq[0], b"bbbb"),
            answer(seq[0], b"cccc"),
            done(seq[0]),
        ]
    )
    assert kernel.dump(4, b"name") == [b"aaaa", b"bbbb", b"cccc"]
    assert line.sent == [[(4, b"name", 0x301)]]


@pytest.mark.parametrize("where", ["in a message", "at the end"])
def test_a_dump_that_was_interrupted_is_repeated(converse, where):
    def interrupted(seq):
        if where == "at the end":
            return [answer(seq[0], b"old1") + done(seq[0], INTERRUPTED)]
        return [answer(seq[0], b"old1", INTERRUPTED) + answer(seq[0], b"old2") + done(seq[0])]

    kernel, line = converse(interrupted, lambda seq: [answer(seq[0], b"new1") + done(seq[0])])
    assert kernel.dump(4) == [b"new1"]
    assert len(line.sent) == 2


def test_a_table_that_never_stands_still_is_given_up(converse):
    script = [lambda seq: [done(seq[0], INTERRUPTED)]] * 10
    kernel, line = converse(*script)
    with pytest.raises(Unavailable, match="the table changed during each of 10 attempts") as raised:
        kernel.dump(4)
    assert raised.value.cause is Cause.NO_ANSWER
    assert line.script == []


def test_a_dump_that_is_refused_is_no_empty_one(converse):
    kernel, _line = converse(lambda seq: [error(seq[0], errno.ESRCH)])
    with pytest.raises(Refusal) as raised:
        kernel.dump(8)
    assert raised.value.errno == errno.ESRCH


def test_what_a_dump_that_was_given_up_still_says_is_passed_over(converse):
    kernel, _line = converse(
        lambda seq: [
            answer(seq[0], b"old1"),
            NO_ROOM,
            answer(seq[0], b"old2") + done(seq[0], INTERRUPTED),
        ],
        lambda seq: [answer(seq[0] - 1, b"old3") + answer(seq[0], b"new1") + done(seq[0])],
    )
    with pytest.raises(Unavailable, match="no answer from the kernel over netlink") as raised:
        kernel.dump(4)
    assert raised.value.cause is Cause.NO_ANSWER
    assert kernel.dump(4) == [b"new1"]


# -- questions


def test_an_answer_comes_before_its_acknowledgement(converse):
    kernel, line = converse(
        lambda seq: [answer(seq[0] - 1, b"old1"), answer(seq[0], b"new1") + error(seq[0])],
        lambda seq: [error(seq[0])],
    )
    assert kernel.ask(13) == b"new1"
    assert kernel.ask(16) == b""
    assert line.sent == [[(13, b"", 1 | ACKNOWLEDGE)], [(16, b"", 1 | ACKNOWLEDGE)]]


def test_a_lack_of_privilege_says_what_to_do(converse):
    kernel, _line = converse(lambda seq: [error(seq[0], errno.EPERM)])
    with pytest.raises(Unavailable, match="needs root, or CAP_NET_ADMIN") as raised:
        kernel.ask(15)
    assert raised.value.cause is Cause.NO_PRIVILEGE


def test_of_many_questions_those_about_nothing_have_no_answer(converse):
    def some(seq):
        return [
            answer(seq[0], b"one1") + error(seq[1], errno.ESRCH),
            answer(seq[2], b"two2"),
        ]

    kernel, line = converse(some)
    assert list(kernel.ask_each(4, [b"a", b"b", b"c"], errno.ESRCH)) == [b"one1", b"two2"]
    assert line.sent == [[(4, b"a", 1), (4, b"b", 1), (4, b"c", 1)]]


def test_of_many_questions_another_error_is_one(converse):
    kernel, _line = converse(lambda seq: [error(seq[0], errno.EINVAL)])
    with pytest.raises(Refusal, match="the kernel answered: Invalid argument"):
        list(kernel.ask_each(4, [b"a"], errno.ESRCH))


def test_no_more_questions_are_asked_at_once_than_answers_have_room(converse):
    def all_of_them(seq):
        return [answer(sequence, b"yes!") for sequence in seq]

    kernel, line = converse(all_of_them, all_of_them, room=2 * 8192)
    assert kernel.questions_a_send == 2
    assert list(kernel.ask_each(4, [b"a", b"b", b"c"], errno.ESRCH)) == [b"yes!"] * 3
    assert [len(requests) for requests in line.sent] == [2, 1]


@pytest.mark.parametrize(
    "room, commands, questions", [(1, 1, 1), (212992, 104, 26), (1 << 30, 200, 200)]
)
def test_a_batch_is_as_large_as_the_receive_buffer_lets_it_be(converse, room, commands, questions):
    kernel, _line = converse(room=room)
    assert (kernel.commands_a_send, kernel.questions_a_send) == (commands, questions)


# -- commands


def test_only_the_last_command_asks_for_an_acknowledgement(converse):
    kernel, line = converse(
        lambda seq: [error(seq[1], errno.EEXIST), error(seq[3], errno.EINVAL) + error(seq[4])]
    )
    commands = [(5, bytes([number]) * 4) for number in range(5)]
    assert kernel.tell(commands) == ({1: errno.EEXIST, 3: errno.EINVAL}, False)
    flags = [request[2] for request in line.sent[0]]
    assert flags == [1, 1, 1, 1, 1 | ACKNOWLEDGE]


def test_the_last_command_may_be_the_one_refused(converse):
    kernel, _line = converse(lambda seq: [error(seq[0], errno.ESRCH)])
    assert kernel.tell([(7, b"")]) == ({0: errno.ESRCH}, False)


def test_what_answers_an_earlier_batch_is_passed_over(converse):
    kernel, _line = converse(
        lambda seq: [NO_ROOM],
        lambda seq: [error(seq[0] - 1, errno.EEXIST) + error(seq[0])],
    )
    assert kernel.tell([(5, b"")]) == ({}, True)
    assert kernel.tell([(5, b"")]) == ({}, False)


def test_lost_answers_are_told_with_those_that_came(converse):
    kernel, _line = converse(lambda seq: [error(seq[0], errno.EEXIST), NO_ROOM])
    assert kernel.tell([(5, b""), (5, b"")]) == ({0: errno.EEXIST}, True)


def test_what_still_is_in_the_buffer_after_a_loss_is_read(converse):
    kernel, _line = converse(lambda seq: [NO_ROOM, error(seq[0], errno.EEXIST)])
    assert kernel.tell([(5, b""), (5, b"")]) == ({0: errno.EEXIST}, True)


def test_a_command_that_is_not_answered_is_lost(converse):
    kernel, _line = converse(lambda seq: [])
    assert kernel.tell([(10, b"")]) == ({}, True)


def test_a_broken_line_is_no_answer(converse):
    broken = OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    kernel, _line = converse(lambda seq: [broken])
    with pytest.raises(Unavailable, match="no answer from the kernel over netlink"):
        kernel.tell([(5, b"")])


# -- the ends of a conversation


def open_to(monkeypatch, line):
    monkeypatch.setattr(genetlink, "_open", lambda: line)
    return line


@pytest.mark.parametrize(
    "number, cause, said",
    [
        (errno.ENOENT, Cause.NO_IPVS, "this kernel has no IPVS at present: load the module ip_vs"),
        (errno.ENOMEM, Cause.NO_ANSWER, "the kernel answered: Cannot allocate memory"),
    ],
)
def test_a_family_that_the_kernel_does_not_give_is_told(monkeypatch, number, cause, said):
    line = open_to(monkeypatch, Line())
    line.script = [lambda seq: [error(seq[0], number)]]
    with pytest.raises(Unavailable, match=said) as raised:
        Conversation("IPVS", 1)
    assert raised.value.cause is cause
    assert line.closed


def test_an_answer_without_the_number_is_told(monkeypatch):
    line = open_to(monkeypatch, Line())
    line.script = [lambda seq: [message(CONTROL, seq[0], bytes(4) + NAME) + error(seq[0])]]
    with pytest.raises(Unavailable, match="no number for its family IPVS"):
        Conversation("IPVS", 1)
    assert line.closed


def test_no_generic_netlink_is_told(monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.EPROTONOSUPPORT, "Protocol not supported")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(Unavailable, match=r"no generic netlink: .*not supported"):
        Conversation("IPVS", 1)


def test_a_closed_conversation_closes_its_socket(converse):
    kernel, line = converse()
    kernel.close()
    assert line.closed


def test_a_receive_buffer_that_cannot_be_forced_is_asked_for(monkeypatch):
    asked = []

    class Modest(Line):
        def setsockopt(self, level, option, value):
            if option == 33:
                raise PermissionError(errno.EPERM, "no")
            asked.append((level, option))

    open_to(monkeypatch, Modest())
    Conversation("IPVS", 1)
    assert asked[-1] == (socket.SOL_SOCKET, socket.SO_RCVBUF)


def test_a_family_that_is_not_there_is_not_asked_for_unless_it_may_be_loaded(monkeypatch, tmp_path):
    line = open_to(monkeypatch, Line())
    sign = tmp_path / "sign"
    with pytest.raises(Unavailable, match="this kernel has no IPVS at present") as raised:
        Conversation("IPVS", 1, sign=str(sign))
    assert raised.value.cause is Cause.NO_IPVS
    assert line.sent == []
    sign.touch()
    Conversation("IPVS", 1, sign=str(sign))
    assert len(line.sent) == 1


@pytest.mark.parametrize(
    "name, path", [("no-such-one", "/run/netns/no-such-one"), ("/no/such/one", "/no/such/one")]
)
def test_a_namespace_that_does_not_exist_is_named_with_its_path(name, path):
    with pytest.raises(Unavailable) as raised, namespace(name):
        pytest.fail("there is no such place")
    assert raised.value.cause is Cause.NO_NAMESPACE
    assert str(raised.value) == (
        f"there is no network namespace {name!r}: No such file or directory ({path})"
    )


def test_what_cannot_name_a_file_names_no_namespace():
    with pytest.raises(Unavailable) as raised, namespace("a\0b"):
        pytest.fail("there is no such place")
    assert str(raised.value).startswith("there is no network namespace 'a\\x00b': embedded null")


@pytest.mark.parametrize("name", [None, ""])
def test_without_a_name_the_namespace_stays(name):
    before = os.readlink("/proc/thread-self/ns/net")
    with namespace(name):
        assert os.readlink("/proc/thread-self/ns/net") == before


@pytest.mark.parametrize("python", ["with os.setns", "without"])
def test_a_refused_entry_says_why(monkeypatch, tmp_path, python):
    """No namespace, but a file: what the C library answers, and what Python since 3.12 does."""
    if python == "without":
        monkeypatch.delattr(os, "setns", raising=False)
    else:

        def setns(_descriptor, kind):
            assert kind == 0x40000000
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

        monkeypatch.setattr(os, "setns", setns, raising=False)
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(Unavailable) as raised, namespace(str(path)):
        pytest.fail("there is no such place")
    assert raised.value.cause is Cause.NO_NAMESPACE
    assert str(raised.value) == (
        f"cannot enter the network namespace {str(path)!r}: Invalid argument"
    )

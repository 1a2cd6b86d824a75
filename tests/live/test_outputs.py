"""Where poses and triggers go, and what happens where nobody takes them."""

import json
import os
import socket
import struct
from threading import Event

import pytest
from fake_live import fly, make_poses

from poseflow.core.errors import ConfigError
from poseflow.live.outputs import Delivery, Output, open_output
from poseflow.live.poses import TriggerEvent

POSES = make_poses([fly(10, 20), [[1, 2], [float("nan")] * 2, [5, 6]]], ("male",), number=7, time_s=0.25)
EVENT = TriggerEvent("near", True, 7, 0.25, 0.012)


def send_all(text):
    with Delivery(text, open_output(text)) as delivery:
        delivery.offer(POSES)
        delivery.offer(EVENT)
    assert (delivery.sent, delivery.dropped, delivery.error) == (2, 0, None)


def check_messages(messages):
    poses, trigger = messages
    assert (poses["kind"], poses["frame"], poses["latency_ms"]) == ("poses", 7, 5)
    male, other = poses["animals"]
    assert (male["identity"], male["points"]["thorax"]) == ("male", [10, 20])
    assert (other["identity"], other["identity_score"], other["points"]["thorax"]) == (None, None, None)
    assert trigger == {
        "kind": "trigger", "name": "near", "value": 1, "frame": 7, "time_s": 0.25, "age_ms": 12
    }  # fmt: skip


@pytest.fixture
def listener():
    """A socket for datagrams, and its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(10)
        yield own, own.getsockname()[1]


def test_a_file_gets_a_line_for_each_message_and_is_never_written_over(tmp_path):
    path = tmp_path / "live.jsonl"
    send_all(f"file:{path}")
    check_messages([json.loads(line) for line in path.read_text().splitlines()])
    with pytest.raises(ConfigError, match="must be a new file, got one that is there"):
        open_output(f"file:{path}")


def test_udp_sends_datagrams_of_json(listener):
    own, port = listener
    send_all(f"udp:127.0.0.1:{port}")
    check_messages([json.loads(own.recv(65536)) for _ in range(2)])


def test_osc_sends_each_animal_and_each_trigger(listener):
    own, port = listener
    send_all(f"osc:127.0.0.1:{port}")
    male, other, trigger = (own.recv(65536) for _ in range(3))
    head = b"/poseflow/pose\0\0,iisfffffff\0" + struct.pack(">ii", 7, 0)
    assert male == head + b"male\0\0\0\0" + struct.pack(">7f", POSES.instances.score[0], 40, 20, 10, 20, -20, 20)
    assert other.startswith(head[:-4] + struct.pack(">i", 1) + bytes(4))
    assert trigger == b"/poseflow/trigger\0\0\0,sii\0\0\0\0near\0\0\0\0" + struct.pack(">ii", 1, 7)


def test_zeromq_publishes_by_topic():
    zmq = pytest.importorskip("zmq")
    with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        subscriber.setsockopt(zmq.SUBSCRIBE, b"")
        subscriber.setsockopt(zmq.RCVTIMEO, 10_000)
        output = open_output(f"zmq:{address}")
        subscriber.connect(address)
        while not subscriber.poll(50):  # a subscriber is heard of after a moment
            output.send_trigger(EVENT)
        while subscriber.poll(0):
            subscriber.recv_multipart()
        with pytest.raises(ConfigError, match="can be bound"):
            open_output(f"zmq:{address}")
        output.send_poses(POSES)
        output.send_trigger(EVENT)
        messages = [subscriber.recv_multipart() for _ in range(2)]
        output.close()
    assert [topic for topic, _ in messages] == [b"poses", b"trigger"]
    check_messages([json.loads(content) for _, content in messages])


def test_a_serial_line_gets_triggers():
    pytest.importorskip("serial")
    host, device = os.openpty()
    with Delivery("serial", open_output(f"serial:{os.ttyname(device)}@9600")) as delivery:
        delivery.offer(POSES)
        delivery.offer(EVENT)
        delivery.offer(TriggerEvent("near", False, 8, 0.3, 0.01))
    assert delivery.error is None
    assert os.read(host, 100).replace(b"\r", b"") == b"near 1\nnear 0\n"
    os.close(host)
    os.close(device)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nothing", "must be KIND:ARGUMENT"),
        ("upd:localhost:1", "must be one of file, osc, serial, udp, zmq.*did you mean 'udp'"),
        ("udp:localhost", "must be HOST:PORT, got 'localhost'"),
        ("udp:localhost:99999", "must be HOST:PORT"),
        ("file:", "must be given a path"),
        ("file:/nowhere/a.jsonl", "No such file"),
        ("serial:/dev/nothing", "could not open port"),
        ("zmq:here", "must be an address that can be bound"),
    ],
)
def test_what_cannot_be_opened_is_told_before_anything_runs(text, fault):
    with pytest.raises(ConfigError, match=fault):
        open_output(text)


class Slow(Output):
    """Takes one message, then waits to be let go."""

    queue_length = 3

    def __init__(self):
        super().__init__("")
        self.got, self.is_waiting, self.may_go_on = [], Event(), Event()

    def send_poses(self, poses):
        self.got.append(poses.frame_idx)
        self.is_waiting.set()
        self.may_go_on.wait()


def test_a_slow_consumer_holds_nobody_up_and_gets_the_newest():
    slow = Slow()
    with Delivery("slow", slow) as delivery:
        delivery.offer(make_poses([], number=0))
        assert slow.is_waiting.wait(10)
        for number in range(1, 100):
            delivery.offer(make_poses([], number=number))  # would wait for ever if it waited
        assert delivery.dropped == 96
        slow.may_go_on.set()
    assert slow.got == [0, 97, 98, 99]
    assert delivery.sent == 4


def test_an_output_that_fails_is_left_alone(caplog):
    class Unplugged(Slow):
        def send_poses(self, poses):
            raise OSError("gone")

        def close(self):
            self.got.append("closed")

    output = Unplugged()
    with Delivery("unplugged", output) as delivery:
        for number in range(5):
            delivery.offer(make_poses([], number=number))
        delivery._thread.join(10)
        delivery.offer(EVENT)
    assert (delivery.sent, delivery.dropped, str(delivery.error)) == (0, 6, "gone")
    assert caplog.text.count("output unplugged failed and gets nothing more: gone") == 1
    assert output.got == ["closed"]

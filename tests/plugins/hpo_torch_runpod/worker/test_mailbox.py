from __future__ import annotations

import asyncio
import threading

from hpo_torch_runpod.worker.mailbox import Mailbox


def test_lines_that_wait_are_taken_together():
    async def read():
        mailbox = Mailbox()
        mailbox.put(b"one")
        mailbox.put(b"two")
        mailbox.close()
        return [await mailbox.take(), await mailbox.take(), await mailbox.take()]

    assert asyncio.run(read()) == [[b"one", b"two"], None, None]


def test_reader_hears_at_once_what_another_thread_says():
    async def read():
        mailbox = Mailbox()
        waiting = asyncio.create_task(mailbox.take())
        await asyncio.sleep(0)
        thread = threading.Thread(target=mailbox.put, args=(b"said",))
        thread.start()
        return await asyncio.wait_for(waiting, 30.0)

    assert asyncio.run(read()) == [b"said"]


def test_writer_does_not_wait_for_a_reader():
    async def fill():
        mailbox = Mailbox()
        for number in range(1000):
            mailbox.put(b"%d" % number)
        return await mailbox.take()

    assert len(asyncio.run(fill())) == 1000


def test_writer_waits_where_far_too_much_is_unread():
    async def fill():
        mailbox = Mailbox(most_unread=3)
        thread = threading.Thread(target=lambda: [mailbox.put(b"ab") for _ in range(10)])
        thread.start()
        sizes = []
        while sum(sizes) < 10:
            lines = await asyncio.wait_for(mailbox.take(), 30.0)
            sizes.append(len(lines))
        thread.join(30.0)
        return sizes

    assert max(asyncio.run(fill())) <= 2  # 2 + 2 bytes: the third line waits for room


def test_abandoned_writer_goes_on_and_says_nothing():
    async def abandon():
        mailbox = Mailbox(most_unread=1)
        mailbox.put(b"ab")
        thread = threading.Thread(target=mailbox.put, args=(b"cd",))
        thread.start()
        mailbox.abandon()
        await asyncio.to_thread(thread.join, 30.0)
        assert not thread.is_alive()
        mailbox.close()
        return [await mailbox.take(), await mailbox.take()]

    assert asyncio.run(abandon()) == [[b"ab"], None]


def test_writer_outlives_the_loop():
    async def make():
        return Mailbox()

    mailbox = asyncio.run(make())
    mailbox.put(b"nobody reads this")
    mailbox.close()

/** Streams from the server: items, errors, cancelling. */
import { equal, ok, range, rejects } from "./expect.mjs";
import { area } from "./harness.mjs";
import { all, Reader } from "./streams.mjs";

export const { checks, check } = area("down");

check("async_enumerable", async (x) =>
    equal(range(10), await all((await x.open()).stream("CounterEnumerable", 10, 2))),
);
check("channel", async (x) => equal(range(10), await all((await x.open()).stream("Counter", 10, 2))));
check("stream_made_later", async (x) => equal(range(5), await all((await x.open()).stream("CounterLater", 5))));

check("as_channel_reader", async (x) => {
    const reader = new Reader((await x.open()).stream("Counter", 10, 2));
    for (const i of range(10)) equal(i, (await reader.read()).value);
    equal(true, (await reader.read()).done, "the end after ten items");
});

check("items_come_while_the_stream_runs", async (x) => {
    const c = await x.open();
    const start = performance.now();
    const reader = new Reader(c.stream("CounterEnumerable", 3, 1500));
    equal(0, (await reader.read()).value);
    const took = performance.now() - start;
    reader.dispose();
    ok(took < 1200, `the first item took ${took} ms`);
});

check("empty", async (x) => equal([], await all((await x.open()).stream("EmptyStream"))));
check("null_items", async (x) => equal(["a", null, "b"], await all((await x.open()).stream("NullItems"))));
check("objects", async (x) =>
    equal([x.point(0, 0, "p0"), x.point(1, -1, "p1")], await all((await x.open()).stream("Points", 2))),
);
check("ten_thousand_items", async (x) =>
    equal(range(10_000), await all((await x.open()).stream("CounterEnumerable", 10_000, 0))),
);
check("large_items", async (x) =>
    equal(
        range(20).map(() => 60_000),
        (await all((await x.open()).stream("Blocks", 20, 60_000))).map((block) => block.length),
    ),
);

check("error_comes_after_the_items", async (x) => {
    const stream = (await x.open()).stream("StreamFail", 3, "broke");
    const got = [];
    stream.subscribe({ next: (n) => got.push(n), error: () => {}, complete: () => {} });
    await rejects(all(stream), "An error occurred on the server while streaming results. HubException: broke");
    equal([0, 1, 2], got);
});

check("hidden_error", async (x) =>
    rejects(
        all((await x.open()).stream("StreamFailHidden", 1, "secret")),
        "An error occurred on the server while streaming results.",
    ),
);
check("error_before_the_stream", async (x) =>
    rejects(
        all((await x.open()).stream("StreamNeverStarts", "early")),
        "An unexpected error occurred invoking 'StreamNeverStarts' on the server. HubException: early",
    ),
);
check("unknown_method", async (x) =>
    rejects(
        all((await x.open()).stream("Nope")),
        "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.",
    ),
);

check("cancel_by_token_stops_the_server", async (x) => {
    const c = await x.open();
    const key = x.key();
    let seen = 0;
    await new Promise((resolve, reject) => {
        const subscription = c.stream("Forever", key).subscribe({
            next: () => {
                if (++seen < 5) return;
                subscription.dispose();
                resolve();
            },
            complete: () => reject(new Error("completed before it was cancelled")),
            error: reject,
        });
    });
    equal(["stopped"], await c.invoke("Recorded", key, 5000));
    equal(5, seen, "items after the cancel are dropped");
});

check("cancel_of_a_channel_stops_the_server", async (x) => {
    const c = await x.open();
    const key = x.key();
    const reader = new Reader(c.stream("Forever", key));
    await reader.read();
    reader.dispose();
    equal(["stopped"], await c.invoke("Recorded", key, 5000));
});

check("disconnect_stops_the_server", async (x) => {
    const key = x.key();
    const first = await x.open();
    await new Reader(first.stream("Forever", key)).read();
    await first.stop();
    equal(["stopped"], await (await x.open()).invoke("Recorded", key, 8000));
});

check("fifty_streams_at_once", async (x) => {
    const c = await x.open();
    const streams = range(50).map((n) => all(c.stream("CounterEnumerable", n + 1, 1)));
    equal(
        range(50).map((n) => range(n + 1)),
        await Promise.all(streams),
    );
});

check("calls_go_on_beside_a_stream", async (x) => {
    const c = await x.open();
    const reader = new Reader(c.stream("Forever", x.key()));
    await reader.read();
    for (const i of range(10)) {
        equal(i + 1, await c.invoke("Add", i, 1));
        await reader.read();
    }
    reader.dispose();
});

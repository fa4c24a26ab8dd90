/** Streams to the server: a Subject, or any object with `subscribe`, among the arguments. */
import { Subject } from "@microsoft/signalr";
import { delay, equal, ok, range, rejects } from "./expect.mjs";
import { area } from "./harness.mjs";
import { all, failing, paced, Reader } from "./streams.mjs";

export const { checks, check } = area("up");

const total = (count) => (count * (count - 1)) / 2;

check("async_enumerable", async (x) => equal(4950, await (await x.open()).invoke("Sum", x.upload(range(100)))));

check("channel", async (x) => {
    const words = new Subject();
    const result = (await x.open()).invoke("Concat", words);
    for (const word of ["one ", "two ", "three"]) {
        words.next(word);
        await delay(5);
    }
    words.complete();
    equal("one two three", await result);
});

check("two_streams_between_arguments", async (x) => {
    // The client misses the second of two adjacent streams (spec 11.5): here the separator stands between them.
    equal("0:a,1:b,2:c", await (await x.open()).invoke("Zip", x.upload(range(3)), ":", x.upload(["a", "b", "c"])));
});

check("empty", async (x) => equal(0, await (await x.open()).invoke("Sum", x.upload([]))));
check("objects", async (x) =>
    equal(66, await (await x.open()).invoke("SumPoints", x.upload([x.point(1, 2, null), x.point(30, 33, null)]))),
);
check(
    "five_thousand_items",
    async (x) => equal(total(5000), await (await x.open()).invoke("Sum", x.upload(range(5000)))),
    // Without WebSockets the client sends each item by a POST of its own, one after another: 10 s on an idle
    // machine, 55 s on one with five times the work it has cores for.
    { seconds: 150 },
);

check("by_send", async (x) => {
    const c = await x.open();
    const key = x.key();
    await c.send("Store", key, x.upload(["a", "b", "c"]));
    equal(["a", "b", "c"], await c.invoke("Recorded", key, 5000));
});

check("channel_by_send", async (x) => {
    const c = await x.open();
    const key = x.key();
    const lines = new Subject();
    await c.send("Store", key, lines);
    for (const i of range(30)) lines.next(`l${i}`);
    lines.complete();
    equal(
        range(30).map((i) => `l${i}`),
        await c.invoke("Recorded", key, 5000),
    );
});

check("client_error_reaches_the_method", async (x) => {
    const c = await x.open();
    const key = x.key();
    await c.invoke("Store", key, x.upload(failing("bad disk", "a")));
    equal(["a", "error: bad disk"], await c.invoke("Recorded", key, 5000));
});

check("method_returns_early", async (x) => {
    const c = await x.open();
    equal("a", await c.invoke("FirstOf", x.upload(["a", "b", "c"])));
    equal(3, await c.invoke("Add", 1, 2), "the connection after it");
});

check("method_fails_early", async (x) => {
    const c = await x.open();
    await rejects(
        c.invoke("FailDuring", x.upload(range(3)), "enough"),
        "An unexpected error occurred invoking 'FailDuring' on the server. HubException: enough",
    );
    equal(3, await c.invoke("Add", 1, 2), "the connection after it");
});

check("disconnect_ends_the_upload", async (x) => {
    const key = x.key();
    const c = await x.open();
    const lines = new Subject();
    await c.send("Store", key, lines);
    for (const line of ["a", "b", "c"]) lines.next(line);
    // Answered after the items, so they were sent before the connection ends.
    equal(3, await c.invoke("Add", 1, 2));
    await c.stop();
    const got = await (await x.open()).invoke("Recorded", key, 8000);
    equal("cancelled", got.at(-1), `the end of ${got}`);
});

check("stream_without_stream_argument", async (x) =>
    rejects(
        (await x.open()).invoke("Sum"),
        "An unexpected error occurred invoking 'Sum' on the server. " +
            "HubException: Client sent 0 stream(s), Hub method expects 1.",
    ),
);

check("up_and_down_at_once", async (x) =>
    equal(
        range(50).map((i) => 2 * i),
        await all((await x.open()).stream("Double", x.upload(range(50)))),
    ),
);

check("up_and_down_as_channels", async (x) => {
    const up = new Subject();
    const down = new Reader((await x.open()).stream("Double", up));
    for (const i of range(20)) {
        up.next(i);
        equal(2 * i, (await down.read()).value);
    }
    up.complete();
    equal(true, (await down.read()).done, "no more items");
});

check("slow_method_holds_the_client_back_without_loss", async (x) => {
    const c = await x.open();
    const calls = range(5).map(() => c.invoke("Sum", x.upload(paced(400, 0))));
    for (const call of calls) equal(total(400), await call);
});

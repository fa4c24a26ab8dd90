/** A connection's life: start, stop, tokens, limits, reconnecting. */
import { deferred, delay, equal, eventually, ok, range, rejects } from "./expect.mjs";
import { area, webSocketsOnly } from "./harness.mjs";
import { all, paced, Reader } from "./streams.mjs";

export const { checks, check } = area("life");

/** For `when`: the server learns of a lost client only by the 15 s without a poll. */
const notLongPolling = ({ transport }) => (transport === "LongPolling" ? "15 s pass until it is noticed" : undefined);

check("stop_and_start_again", async (x) => {
    const c = await x.open();
    const id = c.connectionId;
    await c.stop();
    await c.start();
    equal(2, await c.invoke("Add", 1, 1));
    ok(c.connectionId && c.connectionId !== id, "a new id");
});

check("clean_stop_is_seen_as_clean", async (x) => {
    const key = x.key();
    const a = await x.open();
    await a.invoke("SetItem", "note", key);
    await a.stop();
    equal(["none"], await (await x.open()).invoke("Recorded", key, 8000));
});

check("abort_closes_without_error", async (x) => {
    const c = await x.open();
    const closed = deferred();
    c.onclose(closed.resolve);
    await c.send("AbortMe");
    equal(undefined, (await closed.promise)?.message);
});

check(
    "without_negotiation",
    async (x) => equal(2, await (await x.open(undefined, { http: { skipNegotiation: true } })).invoke("Add", 1, 1)),
    { when: webSocketsOnly },
);

check("token_needed", async (x) => {
    const error = await rejects(() => x.open("conformance-auth"));
    ok(error.message.includes("Status code '401'"), `the status in '${error.message}'`);
});

check("token_gives_the_user", async (x) => {
    const c = await x.openAs("alice");
    equal("alice", await c.invoke("WhoAmI"));
    equal(["alice0", "alice1"], await all(c.stream("Names", 2)));
});

check("method_needs_a_role", async (x) => {
    const c = await x.openAs("bob");
    await rejects(c.invoke("AdminOnly"), "Failed to invoke 'AdminOnly' because user is unauthorized");
    await rejects(all(c.stream("AdminStream")), "Failed to invoke 'AdminStream' because user is unauthorized");
    equal("secret", await (await x.openAs("eve", "admin")).invoke("AdminOnly"));
});

check("user_gets_it_on_every_connection", async (x) => {
    const user = `u${x.key()}`;
    const got = [0, 0];
    for (const i of range(2)) (await x.openAs(user)).on("Message", () => void got[i]++);
    await (await x.openAs("other")).invoke("SendToUser", user, "hi");
    await eventually(() => got[0] + got[1] === 2, "both connections");
    equal([1, 1], got);
});

check("too_large_message_closes", async (x) => {
    const c = await x.open();
    const closed = deferred();
    c.onclose(closed.resolve);
    const call = rejects(c.invoke("EchoString", "x".repeat(40_000)));
    equal("Server returned an error on close: Connection closed with an error.", (await closed.promise)?.message);
    await call;
});

check("largest_message_passes", async (x) =>
    equal(32_000, (await (await x.open()).invoke("EchoString", "x".repeat(32_000))).length),
);

check(
    "automatic_reconnect",
    async (x) => {
        const relay = await x.relay();
        const c = x.build(undefined, { configure: (b) => b.withAutomaticReconnect(), baseUrl: relay.url });
        const events = [];
        const back = deferred();
        c.onreconnecting(() => void events.push("reconnecting"));
        c.onreconnected((id) => {
            events.push("reconnected");
            back.resolve(id);
        });
        await c.start();
        const first = c.connectionId;
        relay.cut();
        const second = await back.promise;
        ok(second && second !== first, "a new connection id");
        equal(["reconnecting", "reconnected"], events);
        equal(2, await c.invoke("Add", 1, 1));
    },
);

check(
    "pending_calls_fail_when_cut",
    async (x) => {
        const relay = await x.relay();
        const c = await x.open(undefined, { baseUrl: relay.url });
        const call = rejects(c.invoke("Slow", 10_000));
        const stream = c.stream("Forever", x.key());
        const rest = rejects(all(stream));
        await new Reader(stream).read();
        relay.cut();
        await Promise.all([call, rest]);
    },
);

check(
    "cut_stops_the_streams",
    async (x) => {
        const relay = await x.relay();
        const key = x.key();
        const c = await x.open(undefined, { baseUrl: relay.url });
        await new Reader(c.stream("Forever", key)).read();
        relay.cut();
        equal(["stopped"], await (await x.open()).invoke("Recorded", key, 8000));
    },
    { when: notLongPolling },
);

check(
    "stateful_reconnect_loses_nothing",
    async (x) => {
        const relay = await x.relay();
        const c = x.build(undefined, { configure: (b) => b.withStatefulReconnect(), baseUrl: relay.url });
        let noticed = false;
        c.onreconnecting(() => void (noticed = true));
        c.onclose(() => void (noticed = true));
        await c.start();
        const id = c.connectionId;
        const cuts = (async () => {
            for (const _ of range(3)) {
                await delay(250);
                relay.cut();
            }
        })();
        const down = all(c.stream("CounterEnumerable", 200, 5));
        const up = c.invoke("Sum", x.upload(paced(200, 5)));
        const [items, sum] = await Promise.all([down, up, cuts]);
        equal(range(200), items);
        equal((200 * 199) / 2, sum);
        equal(2, await c.invoke("Add", 1, 1));
        equal(id, c.connectionId);
        ok(!noticed, "no event was raised");
        ok(relay.accepted >= 5, `${relay.accepted} connections`);
    },
    { when: webSocketsOnly, seconds: 30 },
);

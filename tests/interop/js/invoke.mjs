/** Plain calls: arguments, results, error texts, order. */
import { equal, ok, range, rejects } from "./expect.mjs";
import { area } from "./harness.mjs";
import { all } from "./streams.mjs";

export const { checks, check } = area("invoke");

check("add", async (x) => equal(42, await (await x.open()).invoke("Add", 40, 2)));
check("name_ignores_case", async (x) => equal(3, await (await x.open()).invoke("aDD", 1, 2)));
check("renamed_method", async (x) => equal("renamed", await (await x.open()).invoke("renamed")));

check("values_round_trip", async (x) => {
    const c = await x.open();
    for (const text of ["", "plain", "ünïcödé 😀 \u2028", 'a\u001eb\nc"\\', "z".repeat(5000)])
        equal(text, await c.invoke("EchoString", text));
    // 53 bits are what a JavaScript number holds.
    for (const n of [0, -1, 127, 128, 255, 256, 65536, -(2 ** 31), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])
        equal(n, await c.invoke("EchoLong", n));
    for (const n of [0, -1.5, 3.141592653589793, 1e300]) equal(n, await c.invoke("EchoDouble", n));
    equal(true, await c.invoke("EchoBool", true));
    equal(null, await c.invoke("EchoNullable", null));
    equal([1, 2, 3], await c.invoke("EchoList", [1, 2, 3]));
    equal({ a: 1, "b c": 2 }, await c.invoke("EchoMap", { a: 1, "b c": 2 }));
    equal(x.bytes([0, 1, 254, 255]), await c.invoke("EchoBytes", x.bytes([0, 1, 254, 255])));
});

check("date", async (x) => {
    const date = new Date(Date.UTC(2026, 10, 23, 4, 5, 6, 789));
    const echoed = await (await x.open()).invoke("EchoDate", date);
    equal(x.binary, echoed instanceof Date, "a Date, not a text");
    equal(date, new Date(echoed));
});

check("object", async (x) =>
    equal(x.point(1, -2, null), await (await x.open()).invoke("EchoPoint", x.point(1, -2, null))),
);
check("void_completes", async (x) => void (await (await x.open()).invoke("Nothing")));
// A completion without a result is undefined in JSON; the MessagePack protocol knows the difference as well.
check("void_as_object_is_null", async (x) => equal(null, (await (await x.open()).invoke("Nothing")) ?? null));

check("hub_error_text", async (x) =>
    rejects(
        (await x.open()).invoke("Fail", "no luck"),
        "An unexpected error occurred invoking 'Fail' on the server. HubException: no luck",
    ),
);
check("other_error_is_hidden", async (x) =>
    rejects(
        (await x.open()).invoke("FailHidden", "password=1"),
        "An unexpected error occurred invoking 'FailHidden' on the server.",
    ),
);
check("unknown_method", async (x) =>
    rejects(
        (await x.open()).invoke("Nope"),
        "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.",
    ),
);
check("lifecycle_methods_are_not_callable", async (x) =>
    rejects(
        (await x.open()).invoke("OnConnectedAsync"),
        "Failed to invoke 'OnConnectedAsync' due to an error on the server. HubException: Method does not exist.",
    ),
);
check("wrong_argument_count", async (x) =>
    rejects((await x.open()).invoke("Add", 1), "Failed to invoke 'Add' due to an error on the server."),
);

check("wrong_argument_type", async (x) => {
    const c = await x.open();
    await rejects(c.invoke("Add", "one", 2), "Failed to invoke 'Add' due to an error on the server.");
    equal(5, await c.invoke("Add", 2, 3), "the connection after it");
});

check("stream_method_by_invoke", async (x) =>
    rejects(
        (await x.open()).invoke("CounterEnumerable", 1, 0),
        "The client attempted to invoke the streaming 'CounterEnumerable' method with a non-streaming invocation.",
    ),
);
check("plain_method_by_stream", async (x) =>
    rejects(
        all((await x.open()).stream("Add", 1, 2)),
        "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.",
    ),
);

check("many_at_once", async (x) => {
    const c = await x.open();
    equal(
        range(200).map((i) => i + 1),
        await Promise.all(range(200).map((i) => c.invoke("Add", i, 1))),
    );
});

check("send_then_invoke_keeps_order", async (x) => {
    const c = await x.open();
    for (const i of range(20)) await c.send("SetItem", "n", String(i));
    equal("19", await c.invoke("GetItem", "n"));
});

check("calls_of_one_client_run_in_turn", async (x) => {
    const c = await x.open();
    const start = performance.now();
    equal([60, 0, 40], await Promise.all([60, 0, 40].map((ms) => c.invoke("Slow", ms))));
    const took = performance.now() - start;
    ok(took > 95, `they ran beside one another: ${took} ms`);
});

check("large_result", async (x) =>
    equal(300_000, (await all((await x.open()).stream("Blocks", 1, 300_000)))[0].length),
);

check("connection_id", async (x) => {
    const c = await x.open();
    ok(c.connectionId, "the client knows its id");
    equal(c.connectionId, await c.invoke("ConnectionId"));
});

check("transport_name", async (x) => equal(x.transport, await (await x.open()).invoke("TransportName")));

check("query_and_header", async (x) => {
    const c = await x.open("conformance?room=blue%20one", { http: { headers: { "X-Room": "green" } } });
    equal("blue one", await c.invoke("Query", "room"));
    equal("green", await c.invoke("Header", "X-Room"));
});

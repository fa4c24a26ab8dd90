/** The server calls the client: one, several, groups, and with a result. */
import { deferred, delay, equal, eventually, ok, range, rejects } from "./expect.mjs";
import { area } from "./harness.mjs";
import { all } from "./streams.mjs";

export const { checks, check } = area("call");

check("caller", async (x) => {
    const c = x.build();
    const [text, got] = [x.key(), deferred()];
    // Another driver at the same server may broadcast.
    c.on("Message", (m) => void (m === text && got.resolve()));
    await c.start();
    await c.invoke("SendToCaller", text);
    await got.promise;
});

check("order_of_a_thousand", async (x) => {
    const c = x.build();
    const got = [];
    c.on("Number", (n) => void got.push(n));
    await c.start();
    await c.invoke("SendMany", 1000);
    await eventually(() => got.length === 1000, "1000 calls");
    equal(range(1000), got);
});

check("object", async (x) => {
    const c = x.build();
    const got = deferred();
    c.on("Point", got.resolve);
    await c.start();
    await c.invoke("SendPoint", x.point(7, 8, "é"));
    equal(x.point(7, 8, "é"), await got.promise);
});

check("broadcast_others_connection", async (x) => {
    const [a, b] = [x.build(), x.build()];
    const [gotA, gotB] = [[], []];
    const tag = x.key();
    for (const [c, got] of [
        [a, gotA],
        [b, gotB],
    ])
        c.on("Message", (m) => void (m.startsWith(tag) && got.push(m.slice(tag.length))));
    await a.start();
    await b.start();
    await a.invoke("Broadcast", `${tag}all`);
    await a.invoke("SendToOthers", `${tag}others`);
    await a.invoke("SendToConnection", b.connectionId, `${tag}one`);
    await a.invoke("SendToConnection", "nobody", `${tag}none`);
    await eventually(() => gotB.length === 3 && gotA.length === 1, "three at b and one at a");
    equal(["all", "others", "one"], gotB);
    equal(["all"], gotA);
});

check("groups", async (x) => {
    const [a, b] = [x.build(), x.build()];
    const [gotA, gotB] = [[], []];
    // One character each: a broadcast of another driver at the same server is longer.
    for (const [c, got] of [
        [a, gotA],
        [b, gotB],
    ])
        c.on("Message", (m) => void (m.length === 1 && got.push(m)));
    await a.start();
    await b.start();
    const group = x.key();
    await a.invoke("Join", group);
    await a.invoke("Join", group);
    await b.invoke("Join", group);
    await a.invoke("SendToGroup", group, "1");
    await a.invoke("SendToGroupOthers", group, "2");
    await b.invoke("Leave", group);
    await a.invoke("SendToGroup", group, "3");
    await a.invoke("SendToGroup", group.toUpperCase(), "4");
    await eventually(() => gotA.length === 2 && gotB.length === 2, "two each");
    equal(["1", "3"], gotA);
    equal(["1", "2"], gotB);
});

check("client_result", async (x) => {
    const c = x.build();
    c.on("Ask", (question) => `${question}!`);
    await c.start();
    equal("well!", await c.invoke("Ask", "well"));
});

check("client_result_error", async (x) => {
    const c = x.build();
    c.on("Ask", () => {
        throw new Error("do not know");
    });
    await c.start();
    // This client sends the exception as a text, its type in front.
    await rejects(
        c.invoke("Ask", "well"),
        "An unexpected error occurred invoking 'Ask' on the server. HubException: Error: do not know",
    );
});

check("client_result_without_handler", async (x) =>
    rejects(
        (await x.open()).invoke("Ask", "well"),
        "An unexpected error occurred invoking 'Ask' on the server. HubException: Client didn't provide a result.",
    ),
);

check("client_result_of_another", async (x) => {
    const [a, b] = [x.build(), x.build()];
    b.on("Ask", async (question) => {
        await delay(10);
        return `b ${question}`;
    });
    await a.start();
    await b.start();
    equal("b hi", await a.invoke("AskConnection", b.connectionId, "hi"));
    equal("IOException: Connection 'nobody' does not exist.", await a.invoke("AskConnection", "nobody", "hi"));
});

check("client_results_inside_a_stream", async (x) => {
    const c = x.build();
    c.on("Ask", (question) => question.toUpperCase());
    await c.start();
    equal(["A", "B"], await all(c.stream("AskEach", x.upload(["a", "b"]))));
});

check("broadcast_from_outside_a_hub", async (x) => {
    const c = x.build();
    const tag = x.key();
    const got = deferred();
    c.on("Broadcast", (m) => void (m === tag && got.resolve()));
    await c.start();
    const response = await fetch(new URL(`broadcast?text=${tag}`, x.url), { method: "POST" });
    ok(response.ok, `POST /broadcast: ${response.status}`);
    await got.promise;
});

/** The calls of the documentation's JavaScript pages, and RxJS, whose streams the client takes for its own. */
import { Subject } from "@microsoft/signalr";
import { interval, map, Subject as RxSubject, take } from "rxjs";
import { deferred, equal, ok, range, rejects } from "./expect.mjs";
import { area } from "./harness.mjs";
import { all, Reader } from "./streams.mjs";

export const { checks, check } = area("js");

check("stream_subscribe", async (x) => {
    const connection = await x.open();
    const start = performance.now();
    const [items, times, done] = [[], [], deferred()];
    connection.stream("Counter", 10, 500).subscribe({
        next: (item) => {
            items.push(item);
            times.push(performance.now() - start);
        },
        complete: done.resolve,
        error: done.reject,
    });
    await done.promise;
    equal(range(10), items);
    // The stream takes 5 s; items that are held back to its end come together. A busy machine may take its time.
    ok(times[0] < 2500, `the first item came after ${times[0]} ms`);
    ok(times[9] - times[0] > 2500, `all items came within ${times[9] - times[0]} ms`);
});

check("stream_error", async (x) => {
    const connection = await x.open();
    const [items, failed] = [[], deferred()];
    connection.stream("StreamFail", 2, "broke").subscribe({
        next: (item) => items.push(item),
        complete: () => failed.reject(new Error("completed")),
        error: failed.resolve,
    });
    const error = await failed.promise;
    ok(error instanceof Error, "an Error");
    equal("An error occurred on the server while streaming results. HubException: broke", error.message);
    equal([0, 1], items);
});

check("dispose_stops_the_server", async (x) => {
    const connection = await x.open();
    const [key, second] = [x.key(), deferred()];
    const subscription = connection.stream("Forever", key).subscribe({
        next: (item) => void (item === 1 && second.resolve()),
        complete: () => second.reject(new Error("completed")),
        error: second.reject,
    });
    await second.promise;
    subscription.dispose();
    equal(["stopped"], await connection.invoke("Recorded", key, 5000));
});

check("dispose_in_the_same_turn", async (x) => {
    const connection = await x.open();
    const key = x.key();
    const subscription = connection
        .stream("Forever", key)
        .subscribe({ next: () => {}, complete: () => {}, error: () => {} });
    // Request and cancel leave in one message; the method may not even have begun.
    subscription.dispose();
    equal(3, await connection.invoke("Add", 1, 2), "the connection after it");
    const rest = new Reader(connection.stream("Forever", x.key()));
    await rest.read();
    rest.dispose();
});

check("dispose_after_completion", async (x) => {
    const connection = await x.open();
    const done = deferred();
    const subscription = connection
        .stream("CounterEnumerable", 2, 0)
        .subscribe({ next: () => {}, complete: done.resolve, error: done.reject });
    await done.promise;
    // The client sends a cancel even now (spec 6.5); the server knows the id no more.
    subscription.dispose();
    equal(3, await connection.invoke("Add", 1, 2), "the connection after it");
});

check("one_of_two_subscribers_disposed", async (x) => {
    const connection = await x.open();
    const stream = connection.stream("Counter", 6, 20);
    const [stays, leaves] = [all(stream), new Reader(stream)];
    await leaves.read();
    leaves.dispose();
    equal(range(6), await stays);
});

check("late_subscriber", async (x) => {
    const connection = await x.open();
    const stream = connection.stream("Counter", 10, 50);
    const first = new Reader(stream);
    for (const i of range(3)) equal(i, (await first.read()).value);
    const items = await all(stream);
    ok(items.length >= 1 && items.length <= 7, `${items.length} items`);
    equal(range(10).slice(-items.length), items, "the items after it subscribed");
});

/** The three ways to upload, with the client's own Subject and with RxJS's. */
for (const [prefix, Source] of [
    ["subject", Subject],
    ["rxjs_subject", RxSubject],
]) {
    check(`${prefix}_by_send`, async (x) => {
        const connection = await x.open();
        const [key, subject] = [x.key(), new Source()];
        await connection.send("Store", key, subject);
        for (const item of ["one", "two"]) subject.next(item);
        subject.complete();
        equal(["one", "two"], await connection.invoke("Recorded", key, 5000));
    });

    check(`${prefix}_by_invoke`, async (x) => {
        const connection = await x.open();
        const subject = new Source();
        const result = connection.invoke("Concat", subject);
        for (const item of ["one", "-", "two"]) subject.next(item);
        subject.complete();
        equal("one-two", await result);
    });

    check(`${prefix}_by_stream`, async (x) => {
        const connection = await x.open();
        const subject = new Source();
        const doubled = new Reader(connection.stream("Double", subject));
        // Each answer comes while the upload is open.
        for (const i of range(5)) {
            subject.next(i);
            equal(2 * i, (await doubled.read()).value);
        }
        subject.complete();
        equal(true, (await doubled.read()).done, "complete");
    });

    check(`${prefix}_error_reaches_the_method`, async (x) => {
        const connection = await x.open();
        for (const error of ["sensor lost", new Error("sensor lost")]) {
            const [key, subject] = [x.key(), new Source()];
            await connection.send("Store", key, subject);
            subject.next("one");
            subject.error(error);
            equal(["one", "error: sensor lost"], await connection.invoke("Recorded", key, 5000));
        }
    });
}

check("rxjs_observable", async (x) => {
    const connection = await x.open();
    const words = interval(5).pipe(
        take(4),
        map((i) => `w${i} `),
    );
    equal("w0 w1 w2 w3 ", await connection.invoke("Concat", words));
});

check("upload_by_interval", async (x) => {
    const connection = await x.open();
    const [key, subject] = [x.key(), new Subject()];
    await connection.send("Store", key, subject);
    let iteration = 0;
    const timer = setInterval(() => {
        iteration++;
        subject.next(iteration.toString());
        if (iteration === 10) {
            clearInterval(timer);
            subject.complete();
        }
    }, 20);
    try {
        equal(
            range(10).map((i) => String(i + 1)),
            await connection.invoke("Recorded", key, 5000),
        );
    } finally {
        clearInterval(timer);
    }
});

check("wrong_types_give_an_error", async (x) => {
    const connection = await x.open();
    for (const args of [
        ["one", 2],
        [1.5, 2],
        [null, 2],
        [{}, 2],
        [[1], 2],
    ]) {
        await rejects(connection.invoke("Add", ...args), "Failed to invoke 'Add' due to an error on the server.");
    }
    await rejects(
        all(connection.stream("Counter", "ten", 1)),
        "Failed to invoke 'Counter' due to an error on the server.",
    );
    equal(3, await connection.invoke("Add", 1, 2), "the connection after it");
});

check(
    "binary",
    async (x) => {
        const connection = await x.open();
        for (const size of [0, 1, 255, 256, 20_000]) {
            const bytes = Uint8Array.from(range(size), (i) => i % 256);
            const echoed = await connection.invoke("EchoBytes", bytes);
            ok(echoed instanceof Uint8Array, "a Uint8Array");
            equal(bytes, Uint8Array.from(echoed));
        }
    },
    {
        when: ({ protocol }) =>
            protocol === "messagepack" ? undefined : "JSON carries no binary; base64 is in invoke.values_round_trip",
    },
);

check("calls_of_one_turn_leave_together", async (x) => {
    const connection = await x.open();
    const [key, subject] = [x.key(), new Subject()];
    // Nothing is awaited: call, upload, its items and its end, a stream and another call are one batch.
    const sent = connection.send("Store", key, subject);
    subject.next("one");
    subject.complete();
    const items = all(connection.stream("CounterEnumerable", 3, 0));
    const sum = connection.invoke("Add", 1, 2);
    const stored = connection.invoke("Recorded", key, 5000);
    await sent;
    equal([0, 1, 2], await items);
    equal(3, await sum);
    equal(["one"], await stored);
});

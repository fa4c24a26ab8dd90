/**
 * Drives a server that offers the conformance hubs with the older majors of Microsoft's JavaScript client: what everybody
 * uses, on each transport, JSON. One line per check.
 *
 *   node driver.mjs URL [MAJOR...]
 *
 * Exit code 1 when a check failed.
 */
import { createRequire } from "node:module";
import { deferred, delay, equal, range } from "../js/expect.mjs";
import { all, Reader } from "../js/streams.mjs";

const MAJORS = ["3.1", "5", "6", "7", "8"];
const TRANSPORTS = ["WebSockets", "ServerSentEvents", "LongPolling"];

/** How long one check may take. */
const LIMIT_MS = 15_000;

/** How long the end of a connection may take. */
const CLOSING_MS = 5000;

// Version 5 looks for it in Node too.
globalThis.self = globalThis;

const require = createRequire(import.meta.url);

const CHECKS = {
    async call(c) {
        const [got, text] = [deferred(), 'ünï 😀 "\\'];
        c.on("Message", got.resolve);
        equal(42, await c.invoke("Add", 40, 2));
        await c.invoke("SendToCaller", text);
        equal(text, await got.promise);
    },

    async down(c) {
        equal(range(10), await all(c.stream("Counter", 10, 2)));
        const start = performance.now();
        const reader = new Reader(c.stream("CounterEnumerable", 2, 1500));
        equal(0, (await reader.read()).value);
        equal(true, performance.now() - start < 1200, "the first item comes while the stream runs");
        reader.dispose();
    },

    async up(c, { Subject }) {
        const up = new Subject();
        const down = new Reader(c.stream("Double", up));
        for (const i of range(5)) {
            up.next(i);
            equal(2 * i, (await down.read()).value);
        }
        up.complete();
        equal(true, (await down.read()).done, "complete");

        const words = new Subject();
        const joined = c.invoke("Concat", words);
        for (const word of ["one", "-", "two"]) words.next(word);
        words.complete();
        equal("one-two", await joined);
    },

    async cancel(c) {
        const key = crypto.randomUUID();
        const reader = new Reader(c.stream("Forever", key));
        equal(0, (await reader.read()).value);
        equal(1, (await reader.read()).value);
        reader.dispose();
        equal(["stopped"], await c.invoke("Recorded", key, 5000));
        equal(3, await c.invoke("Add", 1, 2), "the connection after it");
    },
};

async function run(check, signalR, transport) {
    const connection = new signalR.HubConnectionBuilder()
        .withUrl(new URL("conformance", url).href, { transport: signalR.HttpTransportType[transport] })
        .configureLogging(signalR.LogLevel.None)
        .build();
    let timer;
    const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer in ${LIMIT_MS} ms`)), LIMIT_MS);
    });
    try {
        const checked = connection.start().then(() => check(connection, signalR));
        await Promise.race([checked, limit]);
    } catch (error) {
        return `${error.name}: ${error.message}`.replaceAll(/\s*\n\s*/g, " ");
    } finally {
        clearTimeout(timer);
        await Promise.race([connection.stop(), delay(CLOSING_MS)]).catch(() => {});
    }
}

const [url, ...majors] = process.argv.slice(2);
let failed = 0;
for (const major of majors.length > 0 ? majors : MAJORS) {
    const signalR = require(`signalr-${major}`);
    for (const transport of TRANSPORTS) {
        for (const [name, check] of Object.entries(CHECKS)) {
            const start = performance.now();
            const reason = await run(check, signalR, transport);
            const took = `(${Math.round(performance.now() - start)} ms)`;
            if (reason !== undefined) failed++;
            console.log(
                reason === undefined
                    ? `ok ${major}/${transport} old.${name} ${took}`
                    : `FAIL ${major}/${transport} old.${name} ${took} ${reason}`,
            );
        }
    }
}
process.exit(failed === 0 ? 0 : 1);

/** The short list every host has to pass, with Microsoft's client; runs in Node and in browsers. */

/** The transports and protocols that can be combined: server-sent events carry text only. */
export const COMBINATIONS = [
    ["WebSockets", "json"],
    ["WebSockets", "messagepack"],
    ["ServerSentEvents", "json"],
    ["LongPolling", "json"],
    ["LongPolling", "messagepack"],
];

const SECONDS = 10;
let keys = 0;

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const assert = (holds, text) => {
    if (!holds) throw new Error(text);
};

/** Subscribes, and resolves when `count` items have come: the subscription. */
function items(stream, count) {
    return new Promise((resolve, reject) => {
        let seen = 0;
        const subscription = stream.subscribe({
            next: () => ++seen === count && queueMicrotask(() => resolve(subscription)),
            complete: () => reject(new Error(`complete after ${seen} items`)),
            error: reject,
        });
    });
}

/** The socket under a connection is dropped without a word. */
function drop(connection) {
    const { transport } = connection.connection;
    (transport._webSocket ?? transport._eventSource).close();
    transport._webSocket?.terminate?.();
}

const CHECKS = {
    async call({ connection }) {
        assert((await connection.invoke("Add", 2, 3)) === 5, "the wrong sum");
    },

    /** The next item is asked for only when the last one has come: an item that is held back anywhere never comes. */
    async stream({ connection, key }) {
        let seen = 0;
        await new Promise((resolve, reject) => {
            const next = (n) => {
                if (n !== seen++) reject(new Error(`${n} came as number ${seen}`));
                connection.invoke("Go", key).catch(reject);
            };
            connection.stream("Steps", key, 4).subscribe({ next, complete: resolve, error: reject });
        });
        assert(seen === 4, `${seen} items`);
    },

    async upload({ connection, signalr }) {
        const lines = new signalr.Subject();
        const total = connection.invoke("Upload", lines);
        for (const line of ["one", "two", "three"]) {
            lines.next(line);
            await sleep(5);
        }
        lines.complete();
        assert((await total) === 11, "the wrong length");
    },

    async cancel({ connection, key }) {
        const subscription = await items(connection.stream("Forever", key), 3);
        subscription.dispose();
        assert(await connection.invoke("Ended", key), "the generator's finally has not run");
    },

    /** A connection that vanishes is seen to be gone. */
    async gone({ connection, open, key, transport }) {
        if (transport === "LongPolling") return; // polls come and go: it is missed after the time-out only
        const other = await open();
        await items(other.stream("Forever", key), 3).then(() => drop(other));
        assert(await connection.invoke("Ended", key), "the generator's finally has not run");
    },

    async cookie({ connection }) {
        assert((await connection.invoke("Cookie", "session")) === "secret", "no cookie");
    },
};

/** All checks of `wanted` on one transport and protocol; calls `report` with each result. */
export async function run(signalr, MessagePackHubProtocol, url, transport, protocol, wanted, report, http = {}) {
    const opened = [];
    const build = () => {
        const builder = new signalr.HubConnectionBuilder()
            .withUrl(url, { transport: signalr.HttpTransportType[transport], ...http })
            .configureLogging(signalr.LogLevel.None);
        if (protocol === "messagepack") builder.withHubProtocol(new MessagePackHubProtocol());
        const connection = builder.build();
        opened.push(connection);
        return connection;
    };
    const open = async () => {
        const connection = build();
        await connection.start();
        return connection;
    };
    const limited = (promise) =>
        Promise.race([
            promise,
            sleep(SECONDS * 1000).then(() => {
                throw new Error(`no answer in ${SECONDS} s`);
            }),
        ]);
    let connection;
    for (const name of wanted) {
        let outcome = "ok";
        try {
            connection ??= await limited(open());
            const key = `${transport}/${protocol} ${name} ${Date.now()} ${keys++}`;
            await limited(CHECKS[name]({ connection, signalr, open, key, transport }));
        } catch (error) {
            outcome = `${error.name}: ${error.message}`.replaceAll(/\s*\n\s*/g, " ");
        }
        report(`${transport}/${protocol} ${name}`, outcome);
    }
    await Promise.race([Promise.allSettled(opened.map((each) => each.stop())), sleep(2000)]);
}

/** What a check is, and what it works with: connections of one combination, uploads, a link that can be cut. */
import { HttpTransportType, HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { MessagePackHubProtocol } from "@microsoft/signalr-protocol-msgpack";
import { CheckFailed, delay } from "./expect.mjs";
import { Upload } from "./streams.mjs";

/** The transports and protocols that can be combined: server-sent events carry text only. */
export const COMBINATIONS = [
    { transport: "WebSockets", protocol: "json" },
    { transport: "WebSockets", protocol: "messagepack" },
    { transport: "ServerSentEvents", protocol: "json" },
    { transport: "LongPolling", protocol: "json" },
    { transport: "LongPolling", protocol: "messagepack" },
];

/** How long closing one connection, upload or relay may take after a check. */
const CLOSING_MS = 5000;

/** The checks of one area and the function that adds one; `when(combination)` gives a reason to skip it, or nothing. */
export function area(name) {
    const checks = [];
    const check = (checkName, run, { when = () => undefined, seconds = 15 } = {}) => {
        checks.push({ area: name, name: `${name}.${checkName}`, run, when, seconds });
    };
    return { checks, check };
}

/** For `when`: the check needs what only WebSockets have. */
export const webSocketsOnly = ({ transport }) => (transport === "WebSockets" ? undefined : "WebSockets only");

/** Made for one check: runner.mjs says what the arguments are. */
export class Context {
    #owned = [];
    #relay;

    constructor(url, { transport, protocol }, relay, verbose) {
        this.#relay = relay;
        Object.assign(this, { url, transport, protocol, verbose });
    }

    get binary() {
        return this.protocol === "messagepack";
    }

    /** A connection, not started. `http` are the client's HTTP options; `configure(builder)` adds to the builder. */
    build(hub = "conformance", { http = {}, configure = () => {}, baseUrl = this.url } = {}) {
        const builder = new HubConnectionBuilder()
            .withUrl(new URL(hub, baseUrl).href, { transport: HttpTransportType[this.transport], ...http })
            .configureLogging(this.verbose ? stderrLog : LogLevel.None);
        if (this.binary) builder.withHubProtocol(new MessagePackHubProtocol());
        configure(builder);
        const connection = builder.build();
        this.#owned.push(connection);
        return connection;
    }

    async open(hub, options) {
        const connection = this.build(hub, options);
        await connection.start();
        return connection;
    }

    /** A connection to the hub that needs a token, with one for `name`. */
    async openAs(name, role) {
        const query = new URLSearchParams(role === undefined ? { name } : { name, role });
        const response = await fetch(new URL(`token?${query}`, this.url));
        if (!response.ok) throw new CheckFailed(`no token: ${response.status}`);
        const token = await response.text();
        return this.open("conformance-auth", { http: { accessTokenFactory: () => token } });
    }

    /** A link to the server that can be cut: `{url, accepted, cut()}`. */
    async relay() {
        const relay = await this.#relay(this.url);
        this.#owned.push(relay);
        return relay;
    }

    /** The items as an upload stream, which ends with the check. */
    upload(items) {
        const upload = new Upload(items);
        this.#owned.push(upload);
        return upload;
    }

    /** A fresh key for what the server is to record. */
    key() {
        return crypto.randomUUID().replaceAll("-", "");
    }

    /** HUB.md's Point as it goes over the wire: each protocol has its own spelling of the members. */
    point(x, y, label) {
        return this.binary ? { X: x, Y: y, Label: label } : { x, y, label };
    }

    /** Bytes as they go over the wire: JSON carries base64. */
    bytes(values) {
        return this.binary ? Uint8Array.from(values) : btoa(String.fromCharCode(...values));
    }

    async close() {
        for (const owned of this.#owned.reverse())
            await Promise.race([owned.stop(), delay(CLOSING_MS)]).catch(() => {});
    }
}

const stderrLog = { log: (level, text) => console.error(`    ${LogLevel[level]}: ${text}`) };

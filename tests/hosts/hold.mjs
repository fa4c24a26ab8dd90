/**
 * Holds a connection on every transport and protocol, each with a stream that gives one item and never ends: `node hold.mjs URL`.
 * Prints `holding` when the items have come, then a line of JSON for each when it is lost: `[name, what, why]`.
 */
import { createRequire } from "node:module";
import { COMBINATIONS } from "./checks.mjs";

const require = createRequire(new URL("../interop/js/package.json", import.meta.url));
const signalr = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");

process.on("unhandledRejection", () => {});
setTimeout(() => process.exit(1), 30_000);

const told = (name, what) => (error) => console.log(JSON.stringify([name, what, error?.message ?? ""]));

const lost = COMBINATIONS.map(async ([transport, protocol]) => {
    const name = `${transport}/${protocol}`;
    const builder = new signalr.HubConnectionBuilder()
        .withUrl(process.argv[2], { transport: signalr.HttpTransportType[transport] })
        .withAutomaticReconnect([60_000])
        .configureLogging(signalr.LogLevel.None);
    if (protocol === "messagepack") builder.withHubProtocol(new MessagePackHubProtocol());
    const connection = builder.build();
    const end = new Promise((resolve) => {
        connection.onreconnecting((error) => resolve(told(name, "reconnecting")(error)));
        connection.onclose((error) => resolve(told(name, "closed")(error)));
    });
    await connection.start();
    await new Promise((resolve) => {
        connection.stream("Hold", name).subscribe({ next: resolve, error() {}, complete() {} });
    });
    return { end };
});

const ends = await Promise.all(lost);
console.log("holding");
await Promise.all(ends.map(({ end }) => end));
process.exit(0);

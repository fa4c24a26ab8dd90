/**
 * The checks in Node: `node client.mjs URL TRANSPORTS CHECKS [HEADERS]`, lists with commas between, headers as a JSON object.
 * Prints a line of JSON for each check, `[name, outcome]`; the outcome is "ok" or what went wrong.
 */
import { createRequire } from "node:module";
import { COMBINATIONS, run } from "./checks.mjs";

const require = createRequire(new URL("../interop/js/package.json", import.meta.url));
const signalr = require("@microsoft/signalr");
const { MessagePackHubProtocol } = require("@microsoft/signalr-protocol-msgpack");

const [url, transports, checks, headers = "{}"] = process.argv.slice(2);
const report = (name, outcome) => console.log(JSON.stringify([name, outcome]));

// The client drops the promises of a cancel's sends: they are rejected once its connection has ended.
process.on("unhandledRejection", () => {});

await Promise.all(
    COMBINATIONS.filter(([transport]) => transports.split(",").includes(transport)).map(([transport, protocol]) =>
        run(signalr, MessagePackHubProtocol, url, transport, protocol, checks.split(","), report, {
            headers: JSON.parse(headers),
        }),
    ),
);
process.exit(0);

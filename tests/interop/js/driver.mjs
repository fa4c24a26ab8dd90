/**
 * Drives a server that offers the conformance hubs with Microsoft's own JavaScript client: one line per check.
 *
 *   node driver.mjs URL [--transport NAME] [--protocol NAME] [--areas invoke,down,...] [--only TEXT] [--verbose]
 *   node driver.mjs --list
 *
 * Exit code 1 when a check failed, 2 when none was selected or the command line is wrong.
 */
import { parseArgs } from "node:util";
import { CHECKS } from "./checks.mjs";
import { COMBINATIONS } from "./harness.mjs";
import { Relay } from "./relay.mjs";
import { Runner } from "./runner.mjs";

function usage(text) {
    process.stderr.write(`${text}\n`);
    process.exit(2);
}

function parse() {
    try {
        return parseArgs({
            allowPositionals: true,
            options: {
                transport: { type: "string" },
                protocol: { type: "string" },
                areas: { type: "string" },
                only: { type: "string" },
                verbose: { type: "boolean", default: false },
                list: { type: "boolean", default: false },
            },
        });
    } catch (error) {
        return usage(error.message);
    }
}

const { values: options, positionals } = parse();

if (options.list) {
    for (const { name } of CHECKS) console.log(name);
    process.exit(0);
}
if (positionals.length !== 1) usage("one URL is needed: the server's");

const areas = options.areas?.split(",");
const matches = (wanted, name) => wanted === undefined || wanted.toLowerCase() === name.toLowerCase();
const combinations = COMBINATIONS.filter(
    (c) => matches(options.transport, c.transport) && matches(options.protocol, c.protocol),
);
const checks = CHECKS.filter(
    (check) => (areas?.includes(check.area) ?? true) && check.name.includes(options.only ?? ""),
);
if (combinations.length === 0 || checks.length === 0) usage("no check of that transport, protocol, area and name");

const relay = (url) => new Relay(new URL(url)).start();
const runner = new Runner(positionals[0].replace(/\/*$/, "/"), { relay, verbose: options.verbose });
process.on("unhandledRejection", (reason) => runner.stray(reason));

const counts = { ok: 0, FAIL: 0, skip: 0 };
for (const combination of combinations) {
    for (const check of checks) {
        const { outcome, milliseconds, reason } = await runner.run(check, combination);
        counts[outcome]++;
        const line = `${outcome} ${combination.transport}/${combination.protocol} ${check.name} (${milliseconds} ms)`;
        console.log(reason === undefined ? line : `${line} ${reason}`);
    }
}
console.log(`${counts.ok} passed, ${counts.FAIL} failed, ${counts.skip} skipped`);
process.exit(counts.FAIL === 0 ? 0 : 1);

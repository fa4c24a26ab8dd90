/**
 * Drives a server that offers the conformance hubs with Microsoft's own JavaScript client: one line per check.
 *
 *   node driver.mjs URL [--transport NAME] [--protocol NAME] [--areas invoke,down,...] [--only TEXT] [--verbose]
 *   node driver.mjs --list
 *
 * Exit code 1 when a check failed, 2 when none was selected or the command line is wrong.
 */
import { parseArgs } from "node:util";
import * as beyond from "./beyond.mjs";
import * as call from "./call.mjs";
import * as down from "./down.mjs";
import { COMBINATIONS, Context } from "./harness.mjs";
import * as invoke from "./invoke.mjs";
import * as js from "./js.mjs";
import * as life from "./life.mjs";
import * as up from "./up.mjs";

const CHECKS = [invoke, down, up, call, life, beyond, js].flatMap((module) => module.checks);

/** The client drops the promises of an upload's and a cancel's sends: they are rejected once it has ended. */
const DROPPED_BY_THE_CLIENT = [
    "Cannot send data if the connection is not in the 'Connected' State.",
    "Cannot send until the transport is connected",
    "WebSocket is not in the OPEN state",
];

/** Rejections nobody handled, but for those: they fail the check that runs. */
let strays = [];
process.on("unhandledRejection", (reason) => {
    if (!DROPPED_BY_THE_CLIENT.includes(reason?.message ?? reason)) strays.push(reason);
});

/** What came of a check, "ok", "FAIL" or "skip", and why. */
async function run(check, combination) {
    const skipped = check.when(combination);
    if (skipped !== undefined) return { outcome: "skip", reason: skipped };
    const context = new Context(url, combination, options.verbose);
    let timer;
    const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer in ${check.seconds} s`)), check.seconds * 1000);
    });
    strays = [];
    const failures = [];
    try {
        await Promise.race([check.run(context), limit]);
    } catch (error) {
        failures.push(options.verbose ? error.stack : `${error.name}: ${error.message}`);
    } finally {
        clearTimeout(timer);
        await context.close();
    }
    for (const stray of strays) failures.push(`a promise that nobody awaits was rejected: ${stray}`);
    if (failures.length === 0) return { outcome: "ok" };
    return { outcome: "FAIL", reason: failures.join("; ").replaceAll(/\s*\n\s*/g, " ") };
}

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

const url = positionals[0].replace(/\/*$/, "/");
const areas = options.areas?.split(",");
const matches = (wanted, name) => wanted === undefined || wanted.toLowerCase() === name.toLowerCase();
const combinations = COMBINATIONS.filter(
    (c) => matches(options.transport, c.transport) && matches(options.protocol, c.protocol),
);
const checks = CHECKS.filter(
    (check) => (areas?.includes(check.area) ?? true) && check.name.includes(options.only ?? ""),
);
if (combinations.length === 0 || checks.length === 0) usage("no check of that transport, protocol, area and name");

const counts = { ok: 0, FAIL: 0, skip: 0 };
for (const combination of combinations) {
    for (const check of checks) {
        const start = performance.now();
        const { outcome, reason } = await run(check, combination);
        counts[outcome]++;
        const took = Math.round(performance.now() - start);
        const line = `${outcome} ${combination.transport}/${combination.protocol} ${check.name} (${took} ms)`;
        console.log(reason === undefined ? line : `${line} ${reason}`);
    }
}
console.log(`${counts.ok} passed, ${counts.FAIL} failed, ${counts.skip} skipped`);
process.exit(counts.FAIL === 0 ? 0 : 1);

/** Runs checks one after another and says what came of each. Nothing here needs Node: a browser's page runs it too. */
import { Context } from "./harness.mjs";

/**
 * The client drops the promises of what an upload, a cancel and its own Close send: they are rejected once it has ended. Its
 * Close is a POST where there are no WebSockets, which may come after the end of the connection (spec 1.5).
 */
const DROPPED_BY_THE_CLIENT = [
    "Cannot send data if the connection is not in the 'Connected' State.",
    "Cannot send until the transport is connected",
    "WebSocket is not in the OPEN state",
    "Connection stopped.",
    "No Connection with that ID: Status code '404'",
];

export class Runner {
    /** Rejections nobody handled, but for those: they fail the check that runs. */
    #strays = [];

    /** `url` is the server's, with a slash at its end; `relay(url)`, where there is one, makes a link that can be cut. */
    constructor(url, { relay, verbose = false } = {}) {
        Object.assign(this, { url, relay, verbose });
    }

    /** To be called with the reason of every rejection that nobody handled. */
    stray(reason) {
        if (!DROPPED_BY_THE_CLIENT.includes(reason?.message ?? reason)) this.#strays.push(reason);
    }

    /** What came of a check: `{outcome: "ok" | "FAIL" | "skip", milliseconds, reason}`. */
    async run(check, combination) {
        const start = performance.now();
        const result = await this.#outcome(check, combination);
        return { ...result, milliseconds: Math.round(performance.now() - start) };
    }

    async #outcome(check, combination) {
        const skipped = check.when(combination);
        if (skipped !== undefined) return { outcome: "skip", reason: skipped };
        const context = new Context(this.url, combination, this.relay, this.verbose);
        let timer;
        const limit = new Promise((_, reject) => {
            timer = setTimeout(() => reject(new Error(`no answer in ${check.seconds} s`)), check.seconds * 1000);
        });
        this.#strays = [];
        const failures = [];
        try {
            await Promise.race([check.run(context), limit]);
        } catch (error) {
            failures.push(this.verbose ? error.stack : `${error.name}: ${error.message}`);
        } finally {
            clearTimeout(timer);
            await context.close();
        }
        for (const stray of this.#strays) failures.push(`a promise that nobody awaits was rejected: ${stray}`);
        if (failures.length === 0) return { outcome: "ok" };
        return { outcome: "FAIL", reason: failures.join("; ").replaceAll(/\s*\n\s*/g, " ") };
    }
}

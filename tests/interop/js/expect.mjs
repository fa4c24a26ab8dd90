/** What a check asserts with. A failed assertion throws CheckFailed; it says what was expected and what came. */
export class CheckFailed extends Error {
    name = "CheckFailed";
}

/** How many items of a sequence an error text shows. */
const SHOWN = 20;

function show(value) {
    if (!Array.isArray(value)) return typeof value === "string" ? `'${value.slice(0, 200)}'` : JSON.stringify(value);
    return `${JSON.stringify(value.slice(0, SHOWN))} (${value.length})`;
}

/** Whether both are the same: arrays, byte arrays and plain objects member by member, dates by their time. */
function same(a, b) {
    if (Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
    if (a instanceof Date) return Object.is(a.getTime(), b.getTime());
    const names = Object.keys(a);
    return (
        names.length === Object.keys(b).length &&
        a.length === b.length &&
        names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
    );
}

/** Fails unless both are the same, member by member. */
export function equal(expected, actual, what = "value") {
    if (!same(actual, expected))
        throw new CheckFailed(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

export function ok(condition, what) {
    if (!condition) throw new CheckFailed(what);
}

/** The Error that the promise, or the promise that `action` returns, is rejected with; its text is `text`, if given. */
export async function rejects(action, text) {
    let value;
    try {
        value = await (typeof action === "function" ? action() : action);
    } catch (error) {
        ok(error instanceof Error, `rejected with something that is no Error: ${error}`);
        if (error instanceof CheckFailed) throw error;
        if (text !== undefined) equal(text, error.message, "error text");
        return error;
    }
    throw new CheckFailed(`expected an error, got ${show(value)}`);
}

export const delay = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Looks every 10 ms, at most `milliseconds`, whether `condition()` has become true. */
export async function eventually(condition, what, milliseconds = 5000) {
    const end = Date.now() + milliseconds;
    while (!condition()) {
        ok(Date.now() < end, `never: ${what}`);
        await delay(10);
    }
}

/** A promise and the functions that settle it. */
export function deferred() {
    let resolve, reject;
    const promise = new Promise((yes, no) => ([resolve, reject] = [yes, no]));
    return { promise, resolve, reject };
}

/** The numbers from 0 to count - 1. */
export const range = (count) => Array.from({ length: count }, (_, i) => i);

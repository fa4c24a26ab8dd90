/** What a check needs beside the client's own streams: a list of all items, reading one by one, uploads. */
import { delay, range } from "./expect.mjs";

/** All items of a stream; rejected with the stream's error. */
export function all(stream) {
    const items = [];
    return new Promise((resolve, reject) => {
        stream.subscribe({ next: (item) => items.push(item), complete: () => resolve(items), error: reject });
    });
}

/** Reads a stream item by item, as a channel's reader does. */
export class Reader {
    #events = [];
    #wake = null;
    #subscription;

    constructor(stream) {
        this.#subscription = stream.subscribe({
            next: (value) => this.#put({ value, done: false }),
            complete: () => this.#put({ value: undefined, done: true }),
            error: (error) => this.#put({ error }),
        });
    }

    #put(event) {
        this.#events.push(event);
        this.#wake?.();
    }

    /** `{value, done}` as an iterator gives it; rejected with the stream's error. */
    async read() {
        while (this.#events.length === 0) await new Promise((resolve) => (this.#wake = resolve));
        const event = this.#events.shift();
        if (event.error !== undefined) throw event.error;
        return event;
    }

    dispose() {
        this.#subscription.dispose();
    }
}

/** The items of an iterable, sync or async, as an object with `subscribe`: all that the client asks of an upload. */
export class Upload {
    #items;
    #stopped = false;

    constructor(items) {
        this.#items = items;
    }

    subscribe(observer) {
        void this.#give(observer);
    }

    async #give(observer) {
        try {
            for await (const item of this.#items) {
                if (this.#stopped) return;
                observer.next(item);
            }
        } catch (error) {
            observer.error(error);
            return;
        }
        observer.complete();
    }

    stop() {
        this.#stopped = true;
    }
}

/** The numbers from 0 to count - 1, `milliseconds` before each. */
export async function* paced(count, milliseconds) {
    for (const i of range(count)) {
        await delay(milliseconds);
        yield i;
    }
}

/** The items, then an error. */
export async function* failing(text, ...items) {
    yield* items;
    throw new Error(text);
}

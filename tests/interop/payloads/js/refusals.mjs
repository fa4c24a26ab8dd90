/** Calls that fail, each with the text the caller sees, and a call after it that does not (spec 6.4). */
import { equal, rejects } from "../../js/expect.mjs";

const MISFITS = [
    ["a text for a number", "echo_int", ["a"]],
    ["a number for a text", "echo_str", [7]],
    ["null for a number", "echo_int", [null]],
    ["too few", "add", [1]],
    ["too many", "add", [1, 2, 3]],
    ["none of an enum", "echo_int_enum", [7]],
    ["no member of a union", "echo_union", [2.5]],
    ["no dataclass", "echo_dataclass", [{ z: 1 }]],
    ["no date", "echo_date", ["tomorrow"]],
];

/** Names and what each does with a connection. */
export function* refusals(protocol) {
    for (const [name, method, sent] of MISFITS)
        yield [name, fails((c) => c.invoke(method, ...sent), `Failed to invoke '${method}' due to an error on the server.`)];
    for (const which of ["object", "half a pair", protocol === "json" ? "nan" : "too big"]) {
        for (const method of ["result", "tell", "tell_all", "question"]) {
            const text = `An unexpected error occurred invoking '${method}' on the server.`;
            yield [`${method} of ${which}`, fails((c) => c.invoke(method, which), text)];
        }
        yield [
            `items of ${which}`,
            fails((c) => one(c.stream("items", which)), "An error occurred on the server while streaming results."),
        ];
    }
}

const fails = (call, text) => async (connection) => {
    await rejects(() => call(connection), text);
    equal(3, await connection.invoke("add", 1, 2), "the next call");
};

/** Rejected with the stream's error, which must come after one item. */
function one(stream) {
    const items = [];
    return new Promise((_, reject) => {
        stream.subscribe({
            next: (item) => items.push(item),
            complete: () => reject(new Error("completed")),
            error: (error) => reject(items.length === 1 ? error : new Error(`${items.length} items before ${error}`)),
        });
    });
}

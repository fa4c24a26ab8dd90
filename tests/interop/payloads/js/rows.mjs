/** The rows as JavaScript has them: what is sent, and what comes back where that is something else. */

const NOON = "2026-11-23T12:05:06.789";

/** A row: `back` is what comes back. */
const row = (name, sent, back = sent) => ({ name, sent, back });

/** All rows of a style (`python` or `dotnet`) and protocol (`json` or `messagepack`). */
export function rows(style, protocol) {
    const [python, json] = [style === "python", protocol === "json"];
    // A value by style and protocol, as the tables of docs/payloads.md have it.
    const either = (inPython, inJson, inMessagePack) => (python ? inPython : json ? inJson : inMessagePack);
    const named = (members) =>
        Object.fromEntries(Object.entries(members).map(([name, value]) => [spell(name, python, json), value]));
    const bytes = (...values) => (json ? btoa(String.fromCharCode(...values)) : Uint8Array.from(values));
    const date = (text) => new Date(text);
    // A Date is a text in JSON, and comes back as one.
    const when = (text, back) => row("", date(text), json ? back : date(text));

    const point = named({ x: 1, y: -2, label: "a" });
    const span = (seconds, text) => either(`PT${seconds}S`, text, seconds * 10_000_000);
    const [red, blue] = [either(1, 1, "RED"), either(2, 2, "BLUE")];

    return [
        row("bool", true),
        row("int", -42),
        row("int beyond JavaScript's", 2 ** 53 + 1),
        row("int of 64 bits", 2 ** 64 - 1),
        row("int, the smallest", -(2 ** 63)),
        row("float", 2.5),
        row("float without a fraction", 3),
        row("str", "é😀\n"),
        row("line separators", "a\u2028b\u2029\0</script>"),
        row("long text and bytes", ["ß".repeat(5000), bytes(...Array.from({ length: 5120 }, (_, i) => i % 256))]),
        row("bytes", bytes(0, 255)),
        row("bytearray", bytes(0, 255)),
        row("list", [1, 2]),
        row("bare list", [1, "a", null]),
        row("tuple", [1, "a"]),
        row("tuple of any length", [1, 2]),
        row("set", [7]),
        row("frozenset", [7]),
        row("dict", { a_b: 1 }),
        row("any", { a_b: [1, null] }),
        row("optional", 3),
        row("optional, absent", null),
        row("union", [1]),
        row("union, an int", 7),
        row("union, a str", "seven"),
        row("literal", "b"),
        row("new type", 7),
        row("constrained", 7),
        row("uuid", "0e8f2a6c-4d1b-4a7e-9c3d-5b6a7f8e9d0c"),

        row("date", either("2026-11-23", "2026-11-23", 739942)),
        row("time", either("04:05:06.789000", "04:05:06.789000", 147067890000)),
        row("dates and times", either(["0001-01-01", "00:00:00"], ["0001-01-01", "00:00:00"], [0, 0])),
        { ...when(`${NOON}Z`, `${NOON}${python ? "000" : ""}Z`), name: "aware datetime" },
        json
            ? row("datetime with all its digits", "2026-11-23T12:05:06.000001Z")
            : row("datetime with all its digits", date("2026-11-23T12:05:06.000Z")),
        { ...when("2026-11-23T12:05:06Z", "2026-11-23T12:05:06Z"), name: "datetime of a whole second" },
        json
            ? row("datetime with an offset", `2026-11-23T14:05:06.789${python ? "000" : ""}+02:00`)
            : row("datetime with an offset", date(`${NOON}Z`)),
        json
            ? row("naive datetime", NOON + (python ? "000" : ""))
            : row("naive datetime", date(`${NOON}Z`)),
        { ...when(`${NOON}Z`, `${NOON}${python ? "000" : ""}Z`), name: "datetime or array" },
        row("datetime or NamedTuple", [1, red]),
        row("timedelta", either("P1DT7384.5S", "1.02:03:04.5000000", 937845000000)),
        row("negative timedelta", either("-P1DT7384.5S", "-1.02:03:04.5000000", -937845000000)),
        row("timedelta, optional", span(1, "00:00:01")),
        row("timedelta or list", either("P0D", "00:00:00", 0)),
        // The number 1.10 has no zero at its end; Decimal("1.10") == Decimal("1.1").
        row("decimal", either("1.10", 1.1, "1.10")),

        row("int enum", blue),
        row("str-valued enum", either("fine", "fine", "GOOD")),
        row("str enum", either("b", "b", "BIG")),
        row("flags", either(3, 3, "READ, WRITE")),
        row("no flag", either(0, 0, "0")),
        row("enums", [red]),
        row("set of enums", [red]),
        row("enum or none", red),
        row("tuple of enums", [red]),
        row("enum or span", red),
        row("enum or literal number", either("awful", "awful", "BAD")),
        row("enum keys", { [either(1, "RED", "RED")]: 5 }),
        row("flag keys", { [either(3, "READ, WRITE", "READ, WRITE")]: 5 }),
        row("keys of a str-valued enum", { [either("fine", "GOOD", "GOOD")]: 5 }),

        row("dataclass", point),
        row("dataclass, optional", point),
        row("optional dataclass, absent", null),
        row("dataclass or int", point),
        row("union of a dataclass and an int, an int", 7),
        row("dataclasses", [point]),
        row("dict of dataclasses", { a_key: point }),
        row("tuple with a dataclass", [point, red, 3]),
        row("nested dataclass", named({ start_point: point, all_points: [point], by_name: { a_key: point } })),
        row(
            "dataclass that holds itself",
            named({ node_name: "a", sub_nodes: [named({ node_name: "b", sub_nodes: [] })] }),
        ),
        {
            name: "dataclass with values",
            sent: named({ at: date(`${NOON}Z`), took: span(1, "00:00:01"), colour: red }),
            back: named({ at: when(`${NOON}Z`, `${NOON}${python ? "000" : ""}Z`).back, took: span(1, "00:00:01"), colour: red }),
        },
        row("struct", named({ side_count: 4, centre: point })),
        row("tagged structs", { type: "Square", ...named({ side_mm: 4 }) }),
        row("struct with an alias", { ...named({ first_name: "A" }), surname: "B" }),
        row("struct with its own spelling", { x: 1, "first-name": "A" }),
        row("struct as an array", [1, span(1, "00:00:01")]),
        row("struct without its defaults", named({ other_value: 2 })),
        row("generic struct", named({ inner_value: point })),
        row("generic dataclass", named({ inner_value: red, more_values: [blue] })),
        row("dataclass with a generic base", named({ inner_value: point, more_values: [], extra_value: 3 })),
        row("TypedDict", named({ max_count: 1, sort_by: point })),
        row("TypedDict without what may be left out", named({ max_count: 1 })),
        row("NamedTuple", [1, red]),
        row("attrs class", named({ full_name: "A", home: point })),

        row("pydantic model", { name: "A", pets: [{ name: "B", born: "2020-02-29", colour: 1 }] }),
        row("pydantic model or list", [{ name: "A", pets: [] }]),
        row("pydantic model with values", { price: "1.10", lasts: "PT1S" }),
        row("pydantic model, spelled", { PetName: "B" }),
    ];
}

/** A member's name on the wire: Python's own, camelCase in .NET's JSON, PascalCase in its MessagePack. */
function spell(name, python, json) {
    const pascal = name.replaceAll(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase());
    return python ? name : json ? pascal[0].toLowerCase() + pascal.slice(1) : pascal;
}

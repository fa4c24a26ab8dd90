/** Sends every row there and back with Microsoft's JavaScript client: one line of JSON for each. `node driver.mjs URL` */
import { CheckFailed, equal } from "../../js/expect.mjs";
import { Context } from "../../js/harness.mjs";
import { all, Upload } from "../../js/streams.mjs";
import { refusals } from "./refusals.mjs";
import { rows } from "./rows.mjs";

const WAIT_MS = 10_000;

const slug = (name) => name.replaceAll(/[^\p{L}\p{N}_]+/gu, "_").replaceAll(/^_|_$/g, "").toLowerCase();
const pascal = (name) => name.replaceAll(/(?:^|_)(.)/g, (_, letter) => letter.toUpperCase());

async function thereAndBack(connection, { name, sent, back }) {
    const method = slug(name);
    equal(back, await connection.invoke(`echo_${method}`, sent), "result");
    equal([back, back], await all(connection.stream(`stream_${method}`, sent)), "items");
    equal([back, back], await connection.invoke(`upload_${method}`, new Upload([sent, sent])), "uploaded");
    const asked = [];
    connection.on(pascal(`answer_${method}`), (value) => {
        asked.push(value);
        return sent;
    });
    await connection.invoke(`ask_${method}`);
    equal([back], asked, "arguments");
}

/** Null, or what went wrong. */
async function said(action) {
    let timer;
    const limit = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new CheckFailed(`no answer in ${WAIT_MS} ms`)), WAIT_MS);
    });
    try {
        await Promise.race([action(), limit]);
        return null;
    } catch (error) {
        return `${error.name}: ${error.message}`;
    } finally {
        clearTimeout(timer);
    }
}

for (const style of ["python", "dotnet"]) {
    for (const protocol of ["json", "messagepack"]) {
        const context = new Context(process.argv[2], { transport: "WebSockets", protocol }, undefined, false);
        const connection = await context.open(`${style}/${protocol}`);
        const say = (name, own) => console.log(JSON.stringify({ style, protocol, row: name, result: { own } }));
        for (const row of rows(style, protocol)) say(row.name, await said(() => thereAndBack(connection, row)));
        for (const [name, refused] of refusals(protocol)) say(name, await said(() => refused(connection)));
        if (connection.state !== "Connected") process.exitCode = 1;
        await context.close();
    }
}

/** What ASP.NET Core 10 itself fails now and then, and this project must not: a call ends while its upload is full. */
import { equal, range, rejects } from "./expect.mjs";
import { area } from "./harness.mjs";

export const { checks, check } = area("beyond");

check("method_returns_while_hundreds_of_items_come", async (x) => {
    const c = await x.open();
    equal("0", await c.invoke("FirstOf", x.upload(range(300).map(String))));
    equal(3, await c.invoke("Add", 1, 2), "the connection after it");
});

check("method_fails_while_hundreds_of_items_come", async (x) => {
    const c = await x.open();
    await rejects(
        c.invoke("FailDuring", x.upload(range(300)), "enough"),
        "An unexpected error occurred invoking 'FailDuring' on the server. HubException: enough",
    );
    equal(3, await c.invoke("Add", 1, 2), "the connection after it");
});

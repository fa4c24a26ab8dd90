// Calls that fail, each with the text the caller sees, and a call after it that does not (spec 6.4).
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;

public static class Refusals
{
    public static IEnumerable<(string, Func<HubConnection, Task>)> All(bool json)
    {
        foreach (var (name, method, arguments) in new (string, string, object?[])[]
        {
            ("a text for a number", "echo_int", ["a"]),
            ("a number for a text", "echo_str", [7]),
            ("null for a number", "echo_int", [null]),
            ("too few", "add", [1]),
            ("too many", "add", [1, 2, 3]),
            ("none of an enum", "echo_int_enum", [7]),
            ("no member of a union", "echo_union", [2.5]),
            ("no dataclass", "echo_dataclass", [new Dictionary<string, int> { ["z"] = 1 }]),
            ("no date", "echo_date", ["tomorrow"]),
        }) yield return (name, c => Fails(c, c.InvokeCoreAsync(method, arguments), $"Failed to invoke '{method}' due to an error on the server."));

        foreach (var which in json ? new[] { "object", "half a pair", "nan" } : ["object", "half a pair", "too big"])
        {
            foreach (var method in new[] { "result", "tell", "tell_all", "question" })
                yield return ($"{method} of {which}", c => Fails(c, c.InvokeCoreAsync(method, [which]), $"An unexpected error occurred invoking '{method}' on the server."));
            yield return ($"items of {which}", c => Fails(c, First(c, which), "An error occurred on the server while streaming results."));
        }
    }

    static async Task First(HubConnection connection, string which)
    {
        var items = 0;
        try { await foreach (var _ in connection.StreamAsyncCore<int>("items", [which])) items++; }
        finally { if (items != 1) throw new Exception($"{items} items before the error"); }
    }

    static async Task Fails(HubConnection connection, Task call, string text)
    {
        try { await call; throw new Exception("did not fail"); }
        catch (HubException e) when (e.Message == text) { }
        if (await connection.InvokeAsync<int>("add", 1, 2) != 3) throw new Exception("the next call");
    }
}

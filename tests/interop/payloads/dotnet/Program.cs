// Sends every row there and back with Microsoft's .NET client: one line of JSON for each row, style and protocol.
//   payloads URL
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

foreach (var style in new[] { "python", "dotnet" })
    foreach (var protocol in new[] { "json", "messagepack" })
    {
        await using var connection = Connect(style, protocol);
        await connection.StartAsync();
        foreach (var row in Table.Rows(style == "python", protocol == "json"))
        {
            // .NET's own type first; where that is impossible, what a program has to use instead.
            var sent = await Said(() => row.Own.Take(connection, row.Slug));
            var own = await Said(() => row.Own.There(connection, row.Slug));
            var instead = own is null || row.Instead is null ? null : await Said(() => row.Instead.There(connection, row.Slug));
            Say(style, protocol, row.Name, new { sent, own, instead, tried = row.Instead is not null });
        }
        foreach (var (name, refused) in Refusals.All(protocol == "json"))
            Say(style, protocol, name, new { own = await Said(() => refused(connection)) });
        if (connection.State != HubConnectionState.Connected) return 1;
    }
return 0;

static HubConnection Connect(string style, string protocol)
{
    var builder = new HubConnectionBuilder().WithUrl($"{Environment.GetCommandLineArgs()[1]}/{style}/{protocol}", o =>
    {
        o.Transports = HttpTransportType.WebSockets;
        o.SkipNegotiation = true;
    });
    if (protocol == "messagepack") builder.AddMessagePackProtocol();
    else if (style == "python") builder.AddJsonProtocol(o => o.PayloadSerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower);
    return builder.Build();
}

static async Task<string?> Said(Func<Task> action)
{
    try { await action().WaitAsync(TimeSpan.FromSeconds(10)); return null; }
    catch (Exception e) { return $"{e.GetType().Name}: {e.Message}"; }
}

static void Say(string style, string protocol, string row, object result) =>
    Console.WriteLine(JsonSerializer.Serialize(new { style, protocol, row, result }));

/// <summary>A value of one type and the ways it takes.</summary>
public interface IValue
{
    Task Take(HubConnection connection, string row);
    Task There(HubConnection connection, string row);
}

public sealed record Value<T>(T Of) : IValue
{
    static readonly JsonSerializerOptions Shown = new() { IncludeFields = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public Task Take(HubConnection connection, string row) => connection.InvokeCoreAsync("take_" + row, [Of]);

    public async Task There(HubConnection connection, string row)
    {
        Equal(await connection.InvokeCoreAsync<T>("echo_" + row, [Of]), "result");
        var items = 0;
        await foreach (var item in connection.StreamAsyncCore<T>("stream_" + row, [Of])) { Equal(item, "item"); items++; }
        if (items != 2) throw new Exception($"{items} items");
        foreach (var item in await connection.InvokeCoreAsync<List<T>>("upload_" + row, [Items()])) Equal(item, "uploaded");
        var handler = string.Concat($"answer_{row}".Split('_').Select(p => p[..1].ToUpperInvariant() + p[1..]));
        using var answering = connection.On<T, T>(handler, value => { Equal(value, "argument"); return value; });
        await connection.InvokeCoreAsync("ask_" + row, []);
    }

    async IAsyncEnumerable<T> Items() { for (var i = 0; i < 2; i++) { await Task.Yield(); yield return Of; } }

    void Equal(T got, string what)
    {
        var (e, g) = (JsonSerializer.Serialize(Of, Shown), JsonSerializer.Serialize(got, Shown));
        if (e != g) throw new Exception($"{what}: {g[..Math.Min(g.Length, 200)]}, not {e[..Math.Min(e.Length, 200)]}");
    }
}

public sealed record Row(string Name, IValue Own, IValue? Instead)
{
    public string Slug => Regex.Replace(Name, @"\W+", "_").Trim('_').ToLowerInvariant();
}

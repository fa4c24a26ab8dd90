// Microsoft's .NET client, told what to do as the Python ones are: see ../driven.py.
//   client URL PROTOCOL
using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
while (Console.ReadLine() is { } line)
{
    var words = line.Split(' ');
    var count = int.Parse(words[1], CultureInfo.InvariantCulture);
    await using var connection = Connect(args[0], args[1]);
    await connection.StartAsync();
    var cpu = Environment.CpuUsage.TotalTime;
    var clock = Stopwatch.StartNew();
    await Work(connection, words[0], count);
    var each = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / count;
    var perSecond = count / clock.Elapsed.TotalSeconds;
    Console.WriteLine(FormattableString.Invariant($"{{\"cpu_us\": {each:0.0000}, \"per_second\": {perSecond:0}}}"));
}
return;

static HubConnection Connect(string url, string protocol)
{
    var builder = new HubConnectionBuilder().WithUrl(url, HttpTransportType.WebSockets);
    if (protocol == "messagepack") builder.AddMessagePackProtocol();
    return builder.Build();
}

static Task Work(HubConnection connection, string work, int count) => work switch
{
    "call" => Call(connection, count),
    "calls" => Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Call(connection, count / 100))),
    "down" => Down(connection, count),
    "up" => connection.InvokeAsync<long>("Sum", Ints(count)),
    _ => throw new ArgumentException(work),
};

static async Task Call(HubConnection connection, int count)
{
    for (var n = 0; n < count; n++) await connection.InvokeAsync<int>("Add", n, 1);
}

static async Task Down(HubConnection connection, int count)
{
    var seen = 0;
    await foreach (var _ in connection.StreamAsync<int>("Counter", count)) seen++;
    if (seen != count) throw new InvalidOperationException($"{seen} of {count}");
}

static async IAsyncEnumerable<int> Ints(int count)
{
    await Task.CompletedTask;
    for (var n = 0; n < count; n++) yield return n;
}

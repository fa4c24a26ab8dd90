import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;
import com.microsoft.signalr.GsonHubProtocol;
import com.microsoft.signalr.HubConnection;
import com.microsoft.signalr.TypeReference;
import io.reactivex.rxjava3.core.Single;
import java.lang.reflect.Type;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** Plain calls: arguments, results, error texts, order. */
final class InvokeChecks {
    static final Area AREA = new Area("invoke");

    private static final Type NUMBERS = new TypeReference<List<Integer>>() { }.getType();
    private static final Type COUNTS = new TypeReference<Map<String, Integer>>() { }.getType();

    private InvokeChecks() {
    }

    static {
        AREA.check("add", x -> Expect.equal(42, x.open().invoke(Integer.class, "Add", 40, 2).blockingGet()));
        AREA.check("name_ignores_case",
            x -> Expect.equal(3, x.open().invoke(Integer.class, "aDD", 1, 2).blockingGet()));
        AREA.check("renamed_method",
            x -> Expect.equal("renamed", x.open().invoke(String.class, "renamed").blockingGet()));
        AREA.check("values_round_trip", InvokeChecks::valuesRoundTrip);
        AREA.check("date", InvokeChecks::date);
        AREA.check("object", x -> {
            Point point = new Point(1, -2, null);
            Expect.equal(point, x.open().invoke(Point.class, "EchoPoint", point).blockingGet());
        });
        AREA.check("void_completes", x -> x.open().invoke("Nothing").blockingAwait());
        AREA.check("void_as_object_is_null", x -> {
            HubConnection c = x.open();
            // The client keeps a null from its Single, which then never ends (spec 17); an error would come.
            var nothing = c.invoke(Object.class, "Nothing").test();
            Expect.equal(3, c.invoke(Integer.class, "Add", 1, 2).blockingGet());
            nothing.assertEmpty();
        });

        AREA.check("hub_error_text", x -> Expect.rejects(
            "An unexpected error occurred invoking 'Fail' on the server. HubException: no luck",
            x.open().invoke("Fail", "no luck")));
        AREA.check("other_error_is_hidden", x -> Expect.rejects(
            "An unexpected error occurred invoking 'FailHidden' on the server.",
            x.open().invoke("FailHidden", "password=1")));
        AREA.check("unknown_method", x -> Expect.rejects(
            "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.",
            x.open().invoke("Nope")));
        AREA.check("lifecycle_methods_are_not_callable", x -> Expect.rejects(
            "Failed to invoke 'OnConnectedAsync' due to an error on the server. HubException: Method does not exist.",
            x.open().invoke("OnConnectedAsync")));
        AREA.check("wrong_argument_count", x -> Expect.rejects(
            "Failed to invoke 'Add' due to an error on the server.", x.open().invoke(Integer.class, "Add", 1)));
        AREA.check("wrong_argument_type", x -> {
            HubConnection c = x.open();
            Expect.rejects("Failed to invoke 'Add' due to an error on the server.",
                c.invoke(Integer.class, "Add", "one", 2));
            Expect.equal(5, c.invoke(Integer.class, "Add", 2, 3).blockingGet(), "the connection after it");
        });
        AREA.check("stream_method_by_invoke", x -> Expect.rejects(
            "The client attempted to invoke the streaming 'CounterEnumerable' method with a non-streaming invocation.",
            x.open().invoke("CounterEnumerable", 1, 0)));
        AREA.check("plain_method_by_stream", x -> Expect.rejects(
            "The client attempted to invoke the non-streaming 'Add' method with a streaming invocation.",
            x.open().stream(Integer.class, "Add", 1, 2)));

        AREA.check("many_at_once", x -> {
            HubConnection c = x.open();
            List<Single<Integer>> calls =
                Expect.range(200).stream().map(i -> c.invoke(Integer.class, "Add", i, 1)).toList();
            for (int i = 0; i < 200; i++) Expect.equal(i + 1, calls.get(i).blockingGet());
        });
        AREA.check("send_then_invoke_keeps_order", x -> {
            HubConnection c = x.open();
            for (int i = 0; i < 20; i++) c.send("SetItem", "n", String.valueOf(i));
            Expect.equal("19", c.invoke(String.class, "GetItem", "n").blockingGet());
        });
        AREA.check("calls_of_one_client_run_in_turn", x -> {
            HubConnection c = x.open();
            long start = System.nanoTime();
            List<Single<Integer>> calls =
                List.of(60, 0, 40).stream().map(ms -> c.invoke(Integer.class, "Slow", ms)).toList();
            Expect.equal(List.of(60, 0, 40), calls.stream().map(Single::blockingGet).toList());
            long took = (System.nanoTime() - start) / 1_000_000;
            Expect.ok(took > 95, "they ran beside one another: " + took + " ms");
        });
        AREA.check("large_result", x -> {
            String block = x.open().stream(String.class, "Blocks", 1, 300_000).blockingSingle();
            Expect.equal(300_000, block.length());
        });

        AREA.check("connection_id", x -> {
            HubConnection c = x.open();
            Expect.ok(c.getConnectionId() != null, "the client knows its id");
            Expect.equal(c.getConnectionId(), c.invoke(String.class, "ConnectionId").blockingGet());
        });
        AREA.check("transport_name",
            x -> Expect.equal(x.transport, x.open().invoke(String.class, "TransportName").blockingGet()));
        AREA.check("query_and_header", x -> {
            HubConnection c = x.open(x.hub() + "?room=blue%20one", builder -> builder.withHeader("X-Room", "green"));
            Expect.equal("blue one", c.invoke(String.class, "Query", "room").blockingGet());
            Expect.equal("green", c.invoke(String.class, "Header", "X-Room").blockingGet());
        });
    }

    private static void valuesRoundTrip(Context x) {
        HubConnection c = x.open();
        for (String text : List.of("", "plain", "ünïcödé 😀 \u2028", "a\u001eb\nc\"\\", "z".repeat(5000)))
            Expect.equal(text, c.invoke(String.class, "EchoString", text).blockingGet());
        for (long n : new long[] {
            0, -1, 127, 128, 255, 256, 65536, Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE})
            Expect.equal(n, c.invoke(Long.class, "EchoLong", n).blockingGet());
        for (double n : new double[] {0, -1.5, 3.141592653589793, 1e300})
            Expect.equal(n, c.invoke(Double.class, "EchoDouble", n).blockingGet());
        Expect.equal(true, c.invoke(Boolean.class, "EchoBool", true).blockingGet());
        c.invoke("EchoNullable", (Object) null).blockingAwait();
        List<Integer> numbers = List.of(1, 2, 3);
        Expect.equal(numbers, c.<List<Integer>>invoke(NUMBERS, "EchoList", numbers).blockingGet());
        Map<String, Integer> counts = Map.of("a", 1, "b c", 2);
        Expect.equal(counts, c.<Map<String, Integer>>invoke(COUNTS, "EchoMap", counts).blockingGet());
        // A byte[] goes out as a list of numbers (spec 17); the hub's JSON has base64.
        String bytes = Base64.getEncoder().encodeToString(new byte[] {0, 1, (byte) 254, (byte) 255});
        Expect.equal(bytes, c.invoke(String.class, "EchoBytes", bytes).blockingGet());
    }

    private static void date(Context x) {
        // Without adapters the client writes the fields of an Instant.
        JsonSerializer<Instant> write = (value, type, json) -> new JsonPrimitive(value.toString());
        JsonDeserializer<Instant> read = (text, type, json) -> OffsetDateTime.parse(text.getAsString()).toInstant();
        Gson gson = new GsonBuilder().registerTypeAdapter(Instant.class, write)
            .registerTypeAdapter(Instant.class, read).create();
        HubConnection c = x.open(x.hub(), builder -> builder.withHubProtocol(new GsonHubProtocol(gson)));
        for (String text : List.of("2026-11-23T04:05:06.789Z", "2026-11-23T04:05:06Z", "1969-12-31T23:59:59.123456Z")) {
            Instant date = Instant.parse(text);
            Expect.equal(date, c.invoke(Instant.class, "EchoDate", date).blockingGet());
        }
    }
}

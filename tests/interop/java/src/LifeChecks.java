import com.microsoft.signalr.HubConnection;
import com.microsoft.signalr.HubConnectionState;
import com.microsoft.signalr.OnClosedCallback;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.Single;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** A connection's life: start, stop, tokens, limits. The client knows no reconnecting. */
final class LifeChecks {
    static final Area AREA = new Area("life");

    private static final String CUTS = "cuts a socket: WebSockets only";

    private LifeChecks() {
    }

    /** The closed events of a connection, each the text of its error or nothing. */
    static final class Closed implements OnClosedCallback {
        private final BlockingQueue<Optional<String>> events = new LinkedBlockingQueue<>();

        @Override
        public void invoke(Exception error) {
            events.add(Optional.ofNullable(error).map(Exception::getMessage));
        }

        /** Waits for the next event. */
        Optional<String> take() throws InterruptedException {
            return events.take();
        }

        /** Waits for the next event, which must be without an error; whether it is. */
        boolean takeClean(Context x) throws InterruptedException {
            Optional<String> error = events.take();
            // A poll sent as the connection ends comes too late, and its answer is taken for the reason (spec 17).
            boolean polledLate = x.polls() && error.equals(Optional.of("Unexpected response code 404."));
            Expect.ok(error.isEmpty() || polledLate, "closed with " + error);
            return error.isEmpty();
        }
    }

    static Closed closed(HubConnection connection) {
        Closed closed = new Closed();
        connection.onClosed(closed);
        return closed;
    }

    static {
        AREA.check("stop_and_start_again", x -> {
            HubConnection c = x.open();
            String id = c.getConnectionId();
            c.stop().blockingAwait();
            Expect.equal(HubConnectionState.DISCONNECTED, c.getConnectionState());
            c.start().blockingAwait();
            Expect.equal(2, c.invoke(Integer.class, "Add", 1, 1).blockingGet());
            Expect.ok(c.getConnectionId() != null && !c.getConnectionId().equals(id), "a new id");
        });
        AREA.check("clean_stop_is_seen_as_clean", x -> {
            HubConnection c = x.open();
            String key = x.key();
            c.invoke("SetItem", "note", key).blockingAwait();
            c.stop().blockingAwait();
            Expect.equal(List.of("none"), x.recorded(x.open(), key, 8000));
        });
        AREA.check("abort_closes_without_error", x -> {
            HubConnection c = x.open();
            Closed closed = closed(c);
            c.send("AbortMe");
            closed.takeClean(x);
        });
        AREA.checkOn(Area.WEB_SOCKETS, "WebSockets only", "without_negotiation", x -> {
            HubConnection c = x.open(x.hub(), builder -> builder.shouldSkipNegotiate(true));
            Expect.equal(2, c.invoke(Integer.class, "Add", 1, 1).blockingGet());
        });

        AREA.check("token_needed", x -> {
            HubConnection c = x.build(x.url + "conformance-auth", builder -> { });
            Exception error = Expect.rejects(Exception.class, c.start());
            Expect.ok(error.getMessage().contains("negotiate: 401"), "the status in '" + error.getMessage() + "'");
        });
        AREA.check("token_gives_the_user", x -> {
            HubConnection c = x.openAs("alice", null);
            Expect.equal("alice", c.invoke(String.class, "WhoAmI").blockingGet());
            Expect.equal(List.of("alice0", "alice1"), c.stream(String.class, "Names", 2).toList().blockingGet());
        });
        AREA.check("method_needs_a_role", x -> {
            HubConnection c = x.openAs("bob", null);
            Expect.rejects("Failed to invoke 'AdminOnly' because user is unauthorized",
                c.invoke(String.class, "AdminOnly"));
            Expect.rejects("Failed to invoke 'AdminStream' because user is unauthorized",
                c.stream(Integer.class, "AdminStream"));
            Expect.equal("secret", x.openAs("eve", "admin").invoke(String.class, "AdminOnly").blockingGet());
        });
        AREA.check("user_gets_it_on_every_connection", x -> {
            String user = "u" + x.key();
            AtomicIntegerArray got = new AtomicIntegerArray(2);
            for (int i = 0; i < 2; i++) {
                int which = i;
                x.openAs(user, null).on("Message", text -> got.incrementAndGet(which), String.class);
            }
            x.openAs("other", null).invoke("SendToUser", user, "hi").blockingAwait();
            Expect.eventually(() -> got.get(0) + got.get(1) == 2, "both connections");
            Expect.equal("[1, 1]", got.toString());
        });

        AREA.check("too_large_message_closes", x -> {
            HubConnection c = x.open();
            Closed closed = closed(c);
            Single<String> call = c.invoke(String.class, "EchoString", "x".repeat(40_000));
            Expect.equal(Optional.of("Connection closed with an error."), closed.take());
            Expect.rejects(RuntimeException.class, call.ignoreElement());
        });
        AREA.check("largest_message_passes", x -> Expect.equal(32_000,
            x.open().invoke(String.class, "EchoString", "x".repeat(32_000)).blockingGet().length()));

        AREA.checkOn(Area.WEB_SOCKETS, CUTS, "pending_calls_fail_when_cut", x -> {
            Relay relay = x.relay();
            HubConnection c = x.open(relay.url() + "conformance", builder -> { });
            Single<Integer> call = c.invoke(Integer.class, "Slow", 10_000);
            Observable<Integer> stream = c.stream(Integer.class, "Forever", x.key());
            new Reader<>(stream).next();
            relay.cut();
            Expect.rejects(RuntimeException.class, call.ignoreElement());
            Expect.rejects(RuntimeException.class, stream.ignoreElements());
        });
        AREA.checkOn(Area.WEB_SOCKETS, CUTS, "cut_stops_the_streams", x -> {
            Relay relay = x.relay();
            String key = x.key();
            HubConnection c = x.open(relay.url() + "conformance", builder -> { });
            new Reader<>(c.stream(Integer.class, "Forever", key)).next();
            relay.cut();
            Expect.equal(List.of("stopped"), x.recorded(x.open(), key, 8000));
        });
    }
}

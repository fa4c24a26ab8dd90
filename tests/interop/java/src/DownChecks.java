import com.microsoft.signalr.HubConnection;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.subjects.PublishSubject;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Streams from the server: items, errors, cancelling. */
final class DownChecks {
    static final Area AREA = new Area("down");

    private DownChecks() {
    }

    /** All items of a stream of numbers; throws the stream's error. */
    private static List<Integer> numbers(HubConnection c, String method, Object... arguments) {
        return c.stream(Integer.class, method, arguments).toList().blockingGet();
    }

    static {
        AREA.check("async_enumerable",
            x -> Expect.equal(Expect.range(10), numbers(x.open(), "CounterEnumerable", 10, 2)));
        AREA.check("channel", x -> Expect.equal(Expect.range(10), numbers(x.open(), "Counter", 10, 2)));
        AREA.check("stream_made_later", x -> Expect.equal(Expect.range(5), numbers(x.open(), "CounterLater", 5)));
        AREA.check("as_channel_reader", x -> {
            var reader = new Reader<>(x.open().stream(Integer.class, "Counter", 10, 2));
            for (int i = 0; i < 10; i++) Expect.equal(i, reader.next());
            reader.end();
        });
        AREA.check("items_come_while_the_stream_runs", x -> {
            HubConnection c = x.open();
            long start = System.nanoTime();
            var reader = new Reader<>(c.stream(Integer.class, "CounterEnumerable", 3, 1500));
            Expect.equal(0, reader.next());
            long took = (System.nanoTime() - start) / 1_000_000;
            reader.dispose();
            Expect.ok(took < 1200, "the first item took " + took + " ms");
        });

        AREA.check("empty", x -> Expect.equal(List.of(), numbers(x.open(), "EmptyStream")));
        // Rx forbids nulls: the client drops them (spec 17).
        AREA.check("null_items", x -> Expect.equal(
            List.of("a", "b"), x.open().stream(String.class, "NullItems").toList().blockingGet()));
        AREA.check("objects", x -> Expect.equal(
            List.of(new Point(0, 0, "p0"), new Point(1, -1, "p1")),
            x.open().stream(Point.class, "Points", 2).toList().blockingGet()));
        AREA.check("ten_thousand_items",
            x -> Expect.equal(Expect.range(10_000), numbers(x.open(), "CounterEnumerable", 10_000, 0)));
        AREA.check("large_items", x -> {
            Observable<String> blocks = x.open().stream(String.class, "Blocks", 20, 60_000);
            Expect.equal(Observable.just(60_000).repeat(20).toList().blockingGet(),
                blocks.map(String::length).toList().blockingGet());
        });

        AREA.check("error_comes_after_the_items", x -> {
            List<Integer> items = new CopyOnWriteArrayList<>();
            Expect.rejects("An error occurred on the server while streaming results. HubException: broke",
                x.open().stream(Integer.class, "StreamFail", 3, "broke").doOnNext(items::add));
            Expect.equal(Expect.range(3), items);
        });
        AREA.check("hidden_error", x -> Expect.rejects(
            "An error occurred on the server while streaming results.",
            x.open().stream(Integer.class, "StreamFailHidden", 1, "secret")));
        AREA.check("error_before_the_stream", x -> Expect.rejects(
            "An unexpected error occurred invoking 'StreamNeverStarts' on the server. HubException: early",
            x.open().stream(Integer.class, "StreamNeverStarts", "early")));
        AREA.check("unknown_method", x -> Expect.rejects(
            "Failed to invoke 'Nope' due to an error on the server. HubException: Method does not exist.",
            x.open().stream(Integer.class, "Nope")));

        AREA.check("cancel_by_token_stops_the_server", x -> {
            HubConnection c = x.open();
            String key = x.key();
            // Rx's token: what ends a stream from outside.
            PublishSubject<Boolean> stop = PublishSubject.create();
            List<Integer> items = new CopyOnWriteArrayList<>();
            c.stream(Integer.class, "Forever", key).takeUntil(stop).doOnNext(item -> {
                items.add(item);
                if (items.size() == 5) stop.onNext(true);
            }).ignoreElements().blockingAwait();
            Expect.equal(List.of("stopped"), x.recorded(c, key, 5000));
            Expect.equal(Expect.range(5), items, "items after the cancel are dropped");
        });
        AREA.check("cancel_of_a_channel_stops_the_server", x -> {
            HubConnection c = x.open();
            String key = x.key();
            var reader = new Reader<>(c.stream(Integer.class, "Forever", key));
            reader.next();
            reader.dispose();
            Expect.equal(List.of("stopped"), x.recorded(c, key, 5000));
        });
        AREA.check("disconnect_stops_the_server", x -> {
            HubConnection first = x.open();
            String key = x.key();
            new Reader<>(first.stream(Integer.class, "Forever", key)).next();
            first.stop().blockingAwait();
            Expect.equal(List.of("stopped"), x.recorded(x.open(), key, 8000));
        });

        AREA.check("fifty_streams_at_once", x -> {
            HubConnection c = x.open();
            List<Observable<Integer>> streams = Expect.range(50).stream()
                .map(n -> c.stream(Integer.class, "CounterEnumerable", n + 1, 1)).toList();
            for (int n = 0; n < 50; n++)
                Expect.equal(Expect.range(n + 1), streams.get(n).toList().blockingGet(), "stream " + n);
        });
        AREA.check("calls_go_on_beside_a_stream", x -> {
            HubConnection c = x.open();
            var reader = new Reader<>(c.stream(Integer.class, "Forever", x.key()));
            reader.next();
            for (int i = 0; i < 10; i++) {
                Expect.equal(i + 1, c.invoke(Integer.class, "Add", i, 1).blockingGet());
                reader.next();
            }
            reader.dispose();
        });
    }
}

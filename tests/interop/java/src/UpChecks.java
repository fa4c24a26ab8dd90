import com.microsoft.signalr.HubConnection;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.Single;
import io.reactivex.rxjava3.schedulers.Schedulers;
import io.reactivex.rxjava3.subjects.PublishSubject;
import java.util.List;

/** Streams to the server: an Observable among the arguments. */
final class UpChecks {
    static final Area AREA = new Area("up");

    private UpChecks() {
    }

    private static int total(int count) {
        return count * (count - 1) / 2;
    }

    static {
        AREA.check("async_enumerable", x -> Expect.equal(
            total(100), x.open().invoke(Integer.class, "Sum", Observable.range(0, 100)).blockingGet()));
        AREA.check("channel", x -> {
            PublishSubject<String> words = PublishSubject.create();
            Single<String> result = x.open().invoke(String.class, "Concat", words);
            for (String word : List.of("one ", "two ", "three")) {
                words.onNext(word);
                Thread.sleep(5);
            }
            words.onComplete();
            Expect.equal("one two three", result.blockingGet());
        });
        AREA.check("two_streams_between_arguments", x -> Expect.equal("0:a,1:b,2:c", x.open().invoke(
            String.class, "Zip", Observable.range(0, 3), ":", Observable.just("a", "b", "c")).blockingGet()));
        AREA.check("empty",
            x -> Expect.equal(0, x.open().invoke(Integer.class, "Sum", Observable.empty()).blockingGet()));
        AREA.check("objects", x -> Expect.equal(66, x.open().invoke(Integer.class, "SumPoints",
            Observable.just(new Point(1, 2, null), new Point(30, 33, null))).blockingGet()));
        // Without WebSockets each item is a POST of its own, one after another.
        AREA.check("five_thousand_items", 90, x -> Expect.equal(
            total(5000), x.open().invoke(Integer.class, "Sum", Observable.range(0, 5000)).blockingGet()));

        AREA.check("by_send", x -> {
            HubConnection c = x.open();
            String key = x.key();
            c.send("Store", key, Observable.just("a", "b", "c"));
            Expect.equal(List.of("a", "b", "c"), x.recorded(c, key, 5000));
        });
        AREA.check("channel_by_send", x -> {
            HubConnection c = x.open();
            String key = x.key();
            PublishSubject<String> lines = PublishSubject.create();
            c.send("Store", key, lines);
            List<String> sent = Expect.range(30).stream().map(i -> "l" + i).toList();
            sent.forEach(lines::onNext);
            lines.onComplete();
            Expect.equal(sent, x.recorded(c, key, 5000));
        });

        AREA.check("client_error_reaches_the_method", x -> {
            HubConnection c = x.open();
            String key = x.key();
            c.invoke("Store", key, Observable.just("a").concatWith(Observable.error(new RuntimeException("bad disk"))))
                .blockingAwait();
            // The text is the exception's toString (spec 17).
            Expect.equal(List.of("a", "error: java.lang.RuntimeException: bad disk"), x.recorded(c, key, 5000));
        });
        AREA.check("method_returns_early", x -> {
            HubConnection c = x.open();
            Expect.equal("a", c.invoke(String.class, "FirstOf", Observable.just("a", "b", "c")).blockingGet());
            Expect.equal(3, c.invoke(Integer.class, "Add", 1, 2).blockingGet(), "the connection after it");
        });
        AREA.check("method_fails_early", x -> {
            HubConnection c = x.open();
            Expect.rejects("An unexpected error occurred invoking 'FailDuring' on the server. HubException: enough",
                c.invoke(String.class, "FailDuring", Observable.range(0, 3), "enough"));
            Expect.equal(3, c.invoke(Integer.class, "Add", 1, 2).blockingGet(), "the connection after it");
        });
        AREA.check("disconnect_ends_the_upload", x -> {
            HubConnection c = x.open();
            String key = x.key();
            PublishSubject<String> lines = PublishSubject.create();
            c.send("Store", key, lines);
            for (String line : List.of("a", "b", "c")) lines.onNext(line);
            // Answered after the items, so they were sent before the connection ends.
            Expect.equal(3, c.invoke(Integer.class, "Add", 1, 2).blockingGet());
            c.stop().blockingAwait();
            List<String> got = x.recorded(x.open(), key, 8000);
            Expect.equal("cancelled", got.get(got.size() - 1), "the end of " + got);
        });
        AREA.check("stream_without_stream_argument", x -> Expect.rejects(
            "An unexpected error occurred invoking 'Sum' on the server. "
                + "HubException: Client sent 0 stream(s), Hub method expects 1.",
            x.open().invoke(Integer.class, "Sum")));

        AREA.check("up_and_down_at_once", x -> Expect.equal(
            Expect.range(50).stream().map(i -> 2 * i).toList(),
            x.open().stream(Integer.class, "Double", Observable.range(0, 50)).toList().blockingGet()));
        AREA.check("up_and_down_as_channels", x -> {
            PublishSubject<Integer> up = PublishSubject.create();
            var down = new Reader<>(x.open().stream(Integer.class, "Double", up));
            for (int i = 0; i < 20; i++) {
                up.onNext(i);
                Expect.equal(2 * i, down.next());
            }
            up.onComplete();
            down.end();
        });
        AREA.check("slow_method_holds_the_client_back_without_loss", 60, x -> {
            HubConnection c = x.open();
            List<Single<Integer>> calls = Expect.range(5).stream()
                .map(n -> c.invoke(Integer.class, "Sum",
                    Observable.range(0, 400).subscribeOn(Schedulers.io()))).toList();
            for (Single<Integer> call : calls) Expect.equal(total(400), call.blockingGet());
        });
    }
}

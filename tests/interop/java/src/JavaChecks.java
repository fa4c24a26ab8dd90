import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.microsoft.signalr.GsonHubProtocol;
import com.microsoft.signalr.HubConnection;
import com.microsoft.signalr.HubConnectionBuilder;
import com.microsoft.signalr.HubException;
import io.reactivex.rxjava3.core.Completable;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.Single;
import io.reactivex.rxjava3.disposables.Disposable;
import io.reactivex.rxjava3.subjects.PublishSubject;
import io.reactivex.rxjava3.subjects.ReplaySubject;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import okhttp3.EventListener;

/** The client's own ways: streams as RxJava knows them, what it does with null, its POSTs. */
final class JavaChecks {
    static final Area AREA = new Area("java");

    private JavaChecks() {
    }

    static {
        AREA.check("stream_subscribe", x -> {
            HubConnection connection = x.open();
            List<Integer> items = new CopyOnWriteArrayList<>();
            List<Long> times = new CopyOnWriteArrayList<>();
            BlockingQueue<Object> end = new LinkedBlockingQueue<>();
            connection.stream(Integer.class, "Counter", 10, 150).subscribe(
                item -> {
                    items.add(item);
                    times.add(System.nanoTime() / 1_000_000);
                },
                end::add,
                () -> end.add("completed"));
            Expect.equal("completed", end.take());
            Expect.equal(Expect.range(10), items);
            // The stream takes 1.5 s; items that are held back to its end come together.
            long spread = times.get(9) - times.get(0);
            Expect.ok(spread > 700, "all items came within " + spread + " ms");
        });
        AREA.check("stream_error", x -> {
            HubConnection connection = x.open();
            List<Integer> items = new CopyOnWriteArrayList<>();
            BlockingQueue<Object> end = new LinkedBlockingQueue<>();
            connection.stream(Integer.class, "StreamFail", 2, "broke")
                .subscribe(items::add, end::add, () -> end.add("completed"));
            Object error = end.take();
            Expect.ok(error instanceof HubException, "a HubException, not " + error);
            Expect.equal("An error occurred on the server while streaming results. HubException: broke",
                ((HubException) error).getMessage());
            Expect.equal(Expect.range(2), items);
        });

        AREA.check("dispose_stops_the_server", x -> {
            HubConnection connection = x.open();
            String key = x.key();
            CountDownLatch second = new CountDownLatch(2);
            Disposable subscription =
                connection.stream(Integer.class, "Forever", key).subscribe(item -> second.countDown());
            second.await();
            subscription.dispose();
            Expect.equal(List.of("stopped"), x.recorded(connection, key, 5000));
        });
        AREA.check("dispose_at_once", x -> {
            HubConnection connection = x.open();
            // Request and cancel leave together; the method may not even have begun.
            for (int i = 0; i < 20; i++)
                connection.stream(Integer.class, "Forever", x.key()).subscribe().dispose();
            Expect.equal(3, connection.invoke(Integer.class, "Add", 1, 2).blockingGet(), "the connection after it");
            var rest = new Reader<>(connection.stream(Integer.class, "Forever", x.key()));
            Expect.equal(0, rest.next());
            rest.dispose();
        });
        AREA.check("dispose_after_completion", x -> {
            HubConnection connection = x.open();
            Observable<Integer> stream = connection.stream(Integer.class, "CounterEnumerable", 2, 0);
            Reader<Integer> reader = new Reader<>(stream);
            reader.next();
            reader.next();
            reader.end();
            reader.dispose();
            Expect.equal(3, connection.invoke(Integer.class, "Add", 1, 2).blockingGet(), "the connection after it");
        });
        AREA.check("one_of_two_subscribers_disposed", x -> {
            Observable<Integer> stream = x.open().stream(Integer.class, "Counter", 6, 20);
            Reader<Integer> stays = new Reader<>(stream);
            Reader<Integer> leaves = new Reader<>(stream);
            leaves.next();
            leaves.dispose();
            for (int i = 0; i < 6; i++) Expect.equal(i, stays.next());
            stays.end();
        });
        AREA.check("late_subscriber_gets_everything", x -> {
            Observable<Integer> stream = x.open().stream(Integer.class, "Counter", 10, 20);
            Reader<Integer> first = new Reader<>(stream);
            for (int i = 0; i < 3; i++) Expect.equal(i, first.next());
            Expect.equal(Expect.range(10), stream.toList().blockingGet());
        });
        AREA.check("take_stops_the_server", x -> {
            HubConnection connection = x.open();
            String key = x.key();
            Expect.equal(Expect.range(5),
                connection.stream(Integer.class, "Forever", key).take(5).toList().blockingGet());
            Expect.equal(List.of("stopped"), x.recorded(connection, key, 5000));
        });
        AREA.check("stop_ends_what_is_pending", x -> {
            HubConnection connection = x.open();
            LifeChecks.Closed closed = LifeChecks.closed(connection);
            Completable call = connection.invoke("Slow", 10_000);
            Observable<Integer> stream = connection.stream(Integer.class, "Forever", x.key());
            connection.stop().blockingAwait();
            boolean clean = closed.takeClean(x);
            for (Completable pending : List.of(call, stream.ignoreElements())) {
                RuntimeException error = Expect.rejects(RuntimeException.class, pending);
                Expect.ok(error instanceof CancellationException || !clean, "canceled, not " + error);
            }
        });

        AREA.check("observable_by_send", x -> {
            HubConnection connection = x.open();
            String key = x.key();
            PublishSubject<String> lines = PublishSubject.create();
            connection.send("Store", key, lines);
            lines.onNext("one");
            lines.onNext("two");
            lines.onComplete();
            Expect.equal(List.of("one", "two"), x.recorded(connection, key, 5000));
        });
        AREA.check("observable_by_invoke", x -> {
            ReplaySubject<String> words = ReplaySubject.create();
            // What is in it before the call goes with the call.
            words.onNext("one");
            Single<String> result = x.open().invoke(String.class, "Concat", words);
            words.onNext("-two");
            words.onComplete();
            Expect.equal("one-two", result.blockingGet());
        });
        AREA.check("observable_by_stream", x -> {
            PublishSubject<Integer> numbers = PublishSubject.create();
            var doubled = new Reader<>(x.open().stream(Integer.class, "Double", numbers));
            // Each answer comes while the upload is open.
            for (int i = 0; i < 5; i++) {
                numbers.onNext(i);
                Expect.equal(2 * i, doubled.next());
            }
            numbers.onComplete();
            doubled.end();
        });
        AREA.check("observable_error_reaches_the_method", x -> {
            HubConnection connection = x.open();
            String key = x.key();
            PublishSubject<String> lines = PublishSubject.create();
            connection.send("Store", key, lines);
            lines.onNext("one");
            lines.onError(new IllegalStateException("sensor lost"));
            Expect.equal(List.of("one", "error: java.lang.IllegalStateException: sensor lost"),
                x.recorded(connection, key, 5000));
        });
        AREA.check("observable_interval", x -> {
            Observable<String> words =
                Observable.interval(5, TimeUnit.MILLISECONDS).take(4).map(i -> "w" + i + " ");
            Expect.equal("w0 w1 w2 w3 ", x.open().invoke(String.class, "Concat", words).blockingGet());
        });
        AREA.check("null_result_completes", x -> {
            HubConnection connection = x.open();
            connection.invoke("EchoNullable", (Object) null).blockingAwait();
            connection.invoke("EchoNullable", new Object[] {null}).blockingAwait();
            Expect.equal("not null", connection.invoke(String.class, "EchoNullable", "not null").blockingGet());
        });
        AREA.check("dates_by_date_format", x -> {
            // By itself the client writes dates in words (spec 17). SSS reads all digits as so many milliseconds: .NET
            // leaves zeros at the end off, so what came with milliseconds goes back with them.
            Gson gson = new GsonBuilder().setDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSSXXX").create();
            HubConnection connection =
                x.open(x.hub(), builder -> builder.withHubProtocol(new GsonHubProtocol(gson)));
            Date date = new Date(1_795_406_706_789L);
            Expect.equal(date, connection.invoke(Date.class, "EchoDate", date).blockingGet());
        });
        AREA.check("wrong_types_give_an_error", x -> {
            HubConnection connection = x.open();
            for (Object wrong : new Object[] {"one", 1.5, null, Map.of(), List.of(1)})
                Expect.rejects("Failed to invoke 'Add' due to an error on the server.",
                    connection.invoke(Integer.class, "Add", wrong, 2));
            Expect.rejects("Failed to invoke 'Counter' due to an error on the server.",
                connection.stream(Integer.class, "Counter", "ten", 1));
            Expect.equal(3, connection.invoke(Integer.class, "Add", 1, 2).blockingGet(), "the connection after it");
        });

        AREA.checkOn(Area.WEB_SOCKETS, "asks for no transport", "chooses_web_sockets_by_itself", x -> {
            try (HubConnection connection = HubConnectionBuilder.create(x.hub()).build()) {
                connection.start().blockingAwait();
                Expect.equal("WebSockets", connection.invoke(String.class, "TransportName").blockingGet());
            }
        });
        AREA.checkOn(Area.LONG_POLLING, "POSTs its messages on long polling only", "posts_overtake_one_another", x -> {
            // As it comes: up to five requests at a time, in any order.
            HubConnection connection = x.open(x.hub(), builder ->
                builder.setHttpClientBuilderCallback(http -> http.eventListener(EventListener.NONE)));
            List<Single<Integer>> calls =
                Expect.range(200).stream().map(i -> connection.invoke(Integer.class, "Add", i, 1)).toList();
            for (int i = 0; i < 200; i++) Expect.equal(i + 1, calls.get(i).blockingGet());
            // Items may come before their call or after its end, so their sum says nothing; the connection stays.
            for (int i = 0; i < 5; i++) connection.send("Sum", Observable.range(0, 20));
            Expect.equal(3, connection.invoke(Integer.class, "Add", 1, 2).blockingGet(), "the connection after it");
        });
    }
}

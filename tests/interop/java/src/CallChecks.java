import com.microsoft.signalr.HubConnection;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.Single;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** The server calls the client: one, several, groups, and with a result. */
final class CallChecks {
    static final Area AREA = new Area("call");

    private CallChecks() {
    }

    /** A started connection whose handler `Ask` answers questions. */
    private static HubConnection answering(Context x, Function<String, Single<Object>> answer) {
        HubConnection c = x.build();
        c.onWithResult("Ask", answer::apply, String.class);
        c.start().blockingAwait();
        return c;
    }

    static {
        AREA.check("caller", x -> {
            HubConnection c = x.build();
            BlockingQueue<String> got = new LinkedBlockingQueue<>();
            c.on("Message", got::add, String.class);
            c.start().blockingAwait();
            c.invoke("SendToCaller", "hello").blockingAwait();
            Expect.equal("hello", got.take());
        });
        AREA.check("order_of_a_thousand", x -> {
            HubConnection c = x.build();
            List<Integer> got = new CopyOnWriteArrayList<>();
            c.on("Number", got::add, Integer.class);
            c.start().blockingAwait();
            c.invoke("SendMany", 1000).blockingAwait();
            Expect.eventually(() -> got.size() == 1000, "1000 calls");
            Expect.equal(Expect.range(1000), got);
        });
        AREA.check("object", x -> {
            HubConnection c = x.build();
            BlockingQueue<Point> got = new LinkedBlockingQueue<>();
            c.on("Point", got::add, Point.class);
            c.start().blockingAwait();
            c.invoke("SendPoint", new Point(7, 8, "é")).blockingAwait();
            Expect.equal(new Point(7, 8, "é"), got.take());
        });

        AREA.check("broadcast_others_connection", x -> {
            HubConnection a = x.build();
            HubConnection b = x.build();
            String tag = x.key();
            List<String> gotA = messages(a, tag);
            List<String> gotB = messages(b, tag);
            a.start().blockingAwait();
            b.start().blockingAwait();
            a.invoke("Broadcast", tag + "all").blockingAwait();
            a.invoke("SendToOthers", tag + "others").blockingAwait();
            a.invoke("SendToConnection", b.getConnectionId(), tag + "one").blockingAwait();
            a.invoke("SendToConnection", "nobody", tag + "none").blockingAwait();
            Expect.eventually(() -> gotB.size() == 3 && gotA.size() == 1, "three at b and one at a");
            Expect.equal(List.of("all", "others", "one"), gotB);
            Expect.equal(List.of("all"), gotA);
        });
        AREA.check("groups", x -> {
            HubConnection a = x.build();
            HubConnection b = x.build();
            String tag = x.key();
            List<String> gotA = messages(a, tag);
            List<String> gotB = messages(b, tag);
            a.start().blockingAwait();
            b.start().blockingAwait();
            String group = "g" + x.key();
            a.invoke("Join", group).blockingAwait();
            a.invoke("Join", group).blockingAwait();
            b.invoke("Join", group).blockingAwait();
            a.invoke("SendToGroup", group, tag + "1").blockingAwait();
            a.invoke("SendToGroupOthers", group, tag + "2").blockingAwait();
            b.invoke("Leave", group).blockingAwait();
            a.invoke("SendToGroup", group, tag + "3").blockingAwait();
            a.invoke("SendToGroup", group.toUpperCase(Locale.ROOT), tag + "4").blockingAwait();
            Expect.eventually(() -> gotA.size() == 2 && gotB.size() == 2, "two each");
            Expect.equal(List.of("1", "3"), gotA);
            Expect.equal(List.of("1", "2"), gotB);
        });

        AREA.check("client_result", x -> Expect.equal("well!",
            answering(x, question -> Single.just(question + "!")).invoke(String.class, "Ask", "well").blockingGet()));
        AREA.check("client_result_error", x -> Expect.rejects(
            "An unexpected error occurred invoking 'Ask' on the server. HubException: do not know",
            answering(x, question -> Single.error(new RuntimeException("do not know")))
                .invoke(String.class, "Ask", "well")));
        AREA.check("client_result_without_handler", x -> Expect.rejects(
            // Without a handler the client knows no parameters to bind the question to.
            "An unexpected error occurred invoking 'Ask' on the server. "
                + "HubException: Client failed to parse argument(s).",
            x.open().invoke(String.class, "Ask", "well")));
        AREA.check("client_result_of_another", x -> {
            HubConnection a = x.open();
            HubConnection b = answering(x,
                question -> Single.<Object>just("b " + question).delay(10, TimeUnit.MILLISECONDS));
            Expect.equal("b hi",
                a.invoke(String.class, "AskConnection", b.getConnectionId(), "hi").blockingGet());
            Expect.equal("IOException: Connection 'nobody' does not exist.",
                a.invoke(String.class, "AskConnection", "nobody", "hi").blockingGet());
        });
        AREA.check("client_results_inside_a_stream", x -> {
            HubConnection c = answering(x, question -> Single.just(question.toUpperCase(Locale.ROOT)));
            Expect.equal(List.of("A", "B"),
                c.stream(String.class, "AskEach", Observable.just("a", "b")).toList().blockingGet());
        });

        AREA.check("broadcast_from_outside_a_hub", x -> {
            HubConnection c = x.build();
            String tag = x.key();
            BlockingQueue<String> got = new LinkedBlockingQueue<>();
            c.on("Broadcast", text -> {
                if (text.equals(tag)) got.add(text);
            }, String.class);
            c.start().blockingAwait();
            x.http("POST", "broadcast?text=" + tag);
            got.take();
        });
    }

    /** What `Message` brings with this tag, without it: other drivers may broadcast at the same server. */
    private static List<String> messages(HubConnection connection, String tag) {
        List<String> got = new CopyOnWriteArrayList<>();
        connection.on("Message", text -> {
            if (text.startsWith(tag)) got.add(text.substring(tag.length()));
        }, String.class);
        return got;
    }
}

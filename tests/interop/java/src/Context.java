import com.microsoft.signalr.HttpHubConnectionBuilder;
import com.microsoft.signalr.HubConnection;
import com.microsoft.signalr.HubConnectionBuilder;
import com.microsoft.signalr.TransportEnum;
import com.microsoft.signalr.TypeReference;
import io.reactivex.rxjava3.core.Single;
import java.io.IOException;
import java.lang.reflect.Type;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** What a check works with: connections over one transport, a link that can be cut; all of it ends with the check. */
final class Context {
    static final Type STRINGS = new TypeReference<List<String>>() { }.getType();

    /** Seconds a connection may take to stop; a poll that the server does not end would hold it for 100. */
    private static final int STOP = 5;

    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    final String url;
    final String transport;
    private final Deque<HubConnection> connections = new ArrayDeque<>();
    private final Deque<Relay> relays = new ArrayDeque<>();

    Context(String url, String transport) {
        this.url = url;
        this.transport = transport;
    }

    boolean polls() {
        return transport.equals(Area.LONG_POLLING);
    }

    /** A connection, not started; `configure` adds to its builder. */
    HubConnection build(String address, Consumer<HttpHubConnectionBuilder> configure) {
        HttpHubConnectionBuilder builder = HubConnectionBuilder.create(address)
            .withTransport(polls() ? TransportEnum.LONG_POLLING : TransportEnum.WEBSOCKETS);
        if (polls()) builder.setHttpClientBuilderCallback(http -> http.eventListener(new OneAtATime()));
        configure.accept(builder);
        HubConnection connection = builder.build();
        connections.push(connection);
        return connection;
    }

    HubConnection build() {
        return build(hub(), builder -> { });
    }

    HubConnection open(String address, Consumer<HttpHubConnectionBuilder> configure) {
        HubConnection connection = build(address, configure);
        connection.start().blockingAwait();
        return connection;
    }

    HubConnection open() {
        return open(hub(), builder -> { });
    }

    /** The address of the conformance hub. */
    String hub() {
        return url + "conformance";
    }

    /** A connection to the hub that needs a token, with one for `name`, which may have a role. */
    HubConnection openAs(String name, String role) throws IOException, InterruptedException {
        String token = http("GET", "token?name=" + name + (role == null ? "" : "&role=" + role));
        return open(url + "conformance-auth", builder -> builder.withAccessTokenProvider(Single.just(token)));
    }

    /** The body of the answer to a plain HTTP request, which must succeed. */
    String http(String method, String path) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path))
            .method(method, HttpRequest.BodyPublishers.noBody()).build();
        HttpResponse<String> response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        Expect.equal(200, response.statusCode(), "status of " + method + " " + path);
        return response.body();
    }

    Relay relay() throws IOException {
        Relay relay = new Relay(URI.create(url));
        relays.push(relay);
        return relay;
    }

    /** A fresh key for what the server is to record. */
    String key() {
        return UUID.randomUUID().toString().replace("-", "");
    }

    /** What the server recorded under the key, waiting for it for so many milliseconds. */
    List<String> recorded(HubConnection connection, String key, int milliseconds) {
        return connection.<List<String>>invoke(STRINGS, "Recorded", key, milliseconds).blockingGet();
    }

    /** Ends everything; what did not end in time. */
    List<String> close() {
        List<String> late = new ArrayList<>();
        for (HubConnection connection : connections) {
            if (connection.stop().onErrorComplete().blockingAwait(STOP, TimeUnit.SECONDS)) connection.close();
            else late.add("a connection's stop() took more than " + STOP + " s");
        }
        relays.forEach(Relay::close);
        return late;
    }
}

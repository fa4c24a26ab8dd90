import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A TCP link to the server that can be cut: every connection through it is reset, new ones are let in. */
final class Relay {
    private final URI target;
    private final ServerSocket listener;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();

    Relay(URI target) throws IOException {
        this.target = target;
        listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        start(this::accept);
    }

    String url() {
        return "http://127.0.0.1:" + listener.getLocalPort() + "/";
    }

    void cut() {
        open.forEach(this::reset);
    }

    void close() {
        try {
            listener.close();
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        cut();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                Socket server = new Socket(target.getHost(), target.getPort());
                for (Socket socket : new Socket[] {client, server}) {
                    socket.setTcpNoDelay(true);
                    open.add(socket);
                }
                start(() -> pump(client, server));
                start(() -> pump(server, client));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void pump(Socket from, Socket to) {
        try {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException reset) {
            // Cut, or ended by its peer: either way the other half ends too.
        }
        reset(from);
        reset(to);
    }

    private void reset(Socket socket) {
        if (!open.remove(socket)) return;
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException closed) {
            // Its peer was faster.
        }
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "relay");
        thread.setDaemon(true);
        thread.start();
    }
}

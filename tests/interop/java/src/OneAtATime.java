import java.io.IOException;
import java.util.concurrent.Semaphore;
import okhttp3.Call;
import okhttp3.EventListener;

/**
 * Makes each POST of a long polling connection wait for the answer to the one before.
 *
 * The client hands one message after another to OkHttp and waits for none, so they overtake each other: items come
 * before the call they belong to, the end of an upload before its items. A program that uploads needs this as well.
 * The sender is the one that waits: a queue of POSTs in OkHttp would keep the next poll out.
 */
final class OneAtATime extends EventListener {
    private final Semaphore turn = new Semaphore(1);

    @Override
    public void callStart(Call call) {
        if (isMessage(call)) turn.acquireUninterruptibly();
    }

    @Override
    public void callEnd(Call call) {
        if (isMessage(call)) turn.release();
    }

    @Override
    public void callFailed(Call call, IOException error) {
        if (isMessage(call)) turn.release();
    }

    private static boolean isMessage(Call call) {
        return call.request().method().equals("POST");
    }
}

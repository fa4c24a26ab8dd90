import io.reactivex.rxjava3.core.Notification;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.disposables.Disposable;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Reads a stream item by item. */
final class Reader<T> {
    private final BlockingQueue<Notification<T>> events = new LinkedBlockingQueue<>();
    private final Disposable subscription;

    Reader(Observable<T> stream) {
        subscription = stream.materialize().subscribe(events::add);
    }

    /** The next item; waits for it. */
    T next() throws InterruptedException {
        Notification<T> event = events.take();
        Expect.ok(event.isOnNext(), "expected an item, got " + event);
        return event.getValue();
    }

    /** Waits for the end, which must be the next event. */
    void end() throws InterruptedException {
        Notification<T> event = events.take();
        Expect.ok(event.isOnComplete(), "expected the end, got " + event);
    }

    void dispose() {
        subscription.dispose();
    }
}

import com.microsoft.signalr.HubException;
import io.reactivex.rxjava3.core.Completable;
import io.reactivex.rxjava3.core.Observable;
import io.reactivex.rxjava3.core.Single;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/** What a check asserts with. A failed assertion throws CheckFailed; it says what was expected and what came. */
final class Expect {
    /** Characters of a value that an error text shows. */
    private static final int SHOWN = 200;

    private Expect() {
    }

    static void equal(Object expected, Object actual, String what) {
        if (!Objects.equals(expected, actual))
            throw new CheckFailed(what + ": expected " + show(expected) + ", got " + show(actual));
    }

    static void equal(Object expected, Object actual) {
        equal(expected, actual, "value");
    }

    static void ok(boolean condition, String what) {
        if (!condition) throw new CheckFailed(what);
    }

    /** The call ends with the server's error of this text. */
    static void rejects(String text, Single<?> call) {
        HubException error = rejects(HubException.class, call.ignoreElement());
        equal(text, error.getMessage(), "error text");
    }

    /** The call, which has no result, ends with the server's error of this text. */
    static void rejects(String text, Completable call) {
        equal(text, rejects(HubException.class, call).getMessage(), "error text");
    }

    /** The stream ends with the server's error of this text. */
    static void rejects(String text, Observable<?> stream) {
        rejects(text, stream.ignoreElements());
    }

    /** The error of this kind with which it ends. */
    static <E extends Throwable> E rejects(Class<E> kind, Completable call) {
        Throwable error;
        try {
            call.blockingAwait();
            error = null;
        } catch (Throwable thrown) {
            error = thrown;
        }
        ok(error != null, "expected " + kind.getSimpleName() + ", got no error");
        ok(kind.isInstance(error), "expected " + kind.getSimpleName() + ", got " + error);
        return kind.cast(error);
    }

    /** Looks every 10 ms, for 5 s, whether the condition has become true. */
    static void eventually(BooleanSupplier condition, String what) throws InterruptedException {
        long end = System.nanoTime() + 5_000_000_000L;
        while (!condition.getAsBoolean()) {
            ok(System.nanoTime() < end, "never: " + what);
            Thread.sleep(10);
        }
    }

    /** The numbers from 0 to count - 1. */
    static List<Integer> range(int count) {
        return IntStream.range(0, count).boxed().toList();
    }

    private static String show(Object value) {
        String text = value instanceof String ? "'" + value + "'" : String.valueOf(value);
        String size = value instanceof List<?> list ? " (" + list.size() + ")" : "";
        return (text.length() > SHOWN ? text.substring(0, SHOWN) + "..." : text) + size;
    }
}

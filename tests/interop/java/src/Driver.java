import io.reactivex.rxjava3.exceptions.UndeliverableException;
import io.reactivex.rxjava3.plugins.RxJavaPlugins;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Drives a server that offers the conformance hubs with Microsoft's own Java client: one line per check.
 *
 *   java -cp "target/classes:target/lib/*" Driver URL [--transport NAME] [--areas a,b] [--only TEXT] [--verbose]
 *   java -cp "target/classes:target/lib/*" Driver --list
 *
 * Exit code 1 when a check failed, 2 when none was selected or the command line is wrong.
 */
final class Driver {
    /** What the client throws where nobody can catch it: an upload or a cancel is sent after the connection's end. */
    private static final String DROPPED_BY_THE_CLIENT =
        "Trying to send and message while the connection is not active.";

    private static final Queue<Throwable> STRAYS = new ConcurrentLinkedQueue<>();

    private enum Outcome { ok, FAIL, skip }

    private record Result(Outcome outcome, String reason) {
    }

    private Driver() {
    }

    public static void main(String[] arguments) {
        Options options = Options.parse(arguments);
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", options.has("verbose") ? "debug" : "off");
        List<Check> all = Stream.of(InvokeChecks.AREA, DownChecks.AREA, UpChecks.AREA, CallChecks.AREA, LifeChecks.AREA,
            BeyondChecks.AREA, JavaChecks.AREA).flatMap(area -> area.checks().stream()).toList();
        if (options.has("list")) {
            all.forEach(check -> System.out.println(check.name()));
            System.exit(0);
        }
        RxJavaPlugins.setErrorHandler(Driver::stray);
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> stray(error));

        List<String> areas = List.of(options.get("areas", "invoke,down,up,call,life,beyond,java").split(","));
        List<Check> checks = all.stream()
            .filter(check -> areas.contains(check.area()) && check.name().contains(options.get("only", ""))).toList();
        List<String> transports = Area.TRANSPORTS.stream()
            .filter(transport -> transport.equalsIgnoreCase(options.get("transport", transport))).toList();
        if (checks.isEmpty() || transports.isEmpty()) Options.usage("no check of that transport, area and name");

        Map<Outcome, Integer> counts = new HashMap<>();
        for (String transport : transports) {
            for (Check check : checks) {
                long start = System.nanoTime();
                Result result = run(check, new Context(options.url(), transport));
                long took = (System.nanoTime() - start) / 1_000_000;
                counts.merge(result.outcome, 1, Integer::sum);
                System.out.printf("%s %s/json %s (%d ms)%s%n", result.outcome, transport, check.name(), took,
                    result.reason == null ? "" : " " + result.reason.replaceAll("\\s*\\R\\s*", " "));
            }
        }
        int failed = counts.getOrDefault(Outcome.FAIL, 0);
        System.out.printf("%d passed, %d failed, %d skipped%n", counts.getOrDefault(Outcome.ok, 0), failed,
            counts.getOrDefault(Outcome.skip, 0));
        // The client leaves threads behind that would hold the process for a minute.
        System.exit(failed == 0 ? 0 : 1);
    }

    private static Result run(Check check, Context context) {
        String skipped = check.skipped(context.transport);
        if (skipped != null) return new Result(Outcome.skip, skipped);
        STRAYS.clear();
        List<String> failures = new ArrayList<>();
        FutureTask<Void> work = new FutureTask<>(() -> {
            check.body().run(context);
            return null;
        });
        Thread thread = new Thread(work, check.name());
        thread.setDaemon(true);
        thread.start();
        try {
            work.get(check.seconds(), TimeUnit.SECONDS);
        } catch (ExecutionException error) {
            failures.add(error.getCause().toString());
        } catch (TimeoutException late) {
            StringBuilder where = new StringBuilder("not done in " + check.seconds() + " s, at");
            Stream.of(thread.getStackTrace()).filter(frame -> frame.getClassName().contains("Checks"))
                .map(frame -> " " + frame.getFileName() + ":" + frame.getLineNumber()).forEach(where::append);
            failures.add(where.toString());
        } catch (InterruptedException interrupted) {
            failures.add("interrupted");
        }
        work.cancel(true);
        failures.addAll(context.close());
        STRAYS.forEach(stray -> failures.add("an error that nobody awaits: " + stray));
        if (failures.isEmpty()) return new Result(Outcome.ok, null);
        return new Result(Outcome.FAIL, String.join("; ", failures));
    }

    private static void stray(Throwable error) {
        Throwable cause = error instanceof UndeliverableException ? error.getCause() : error;
        if (!String.valueOf(cause.getMessage()).contains(DROPPED_BY_THE_CLIENT)) STRAYS.add(cause);
    }
}

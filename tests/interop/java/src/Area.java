import java.util.ArrayList;
import java.util.List;

/** The checks of one area, as they are added. */
final class Area {
    static final String WEB_SOCKETS = "WebSockets";
    static final String LONG_POLLING = "LongPolling";
    static final List<String> TRANSPORTS = List.of(WEB_SOCKETS, LONG_POLLING);

    /** Seconds a check may take. */
    private static final int LIMIT = 15;

    private final String name;
    private final List<Check> checks = new ArrayList<>();

    Area(String name) {
        this.name = name;
    }

    void check(String check, Check.Body body) {
        check(check, LIMIT, body);
    }

    void check(String check, int seconds, Check.Body body) {
        checks.add(new Check(name + "." + check, body, TRANSPORTS, seconds, null));
    }

    /** A check for one transport; elsewhere it is skipped, for this reason. */
    void checkOn(String transport, String reason, String check, Check.Body body) {
        checks.add(new Check(name + "." + check, body, List.of(transport), LIMIT, reason));
    }

    List<Check> checks() {
        return checks;
    }
}

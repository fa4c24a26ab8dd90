import java.util.List;

/** One check: what it does, on which transports, and for how long at most. */
record Check(String name, Body body, List<String> transports, int seconds, String otherwise) {
    /** What a check does; it failed when this throws. */
    @FunctionalInterface
    interface Body {
        void run(Context x) throws Exception;
    }

    String area() {
        return name.substring(0, name.indexOf('.'));
    }

    /** The reason not to run it on this transport, or null. */
    String skipped(String transport) {
        return transports.contains(transport) ? null : otherwise;
    }
}

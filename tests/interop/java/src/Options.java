import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The command line: one URL, options with a value, switches. */
record Options(String url, Map<String, String> values) {
    private static final List<String> WITH_VALUE = List.of("transport", "areas", "only");
    private static final List<String> SWITCHES = List.of("list", "verbose");

    static Options parse(String[] arguments) {
        String url = null;
        Map<String, String> values = new HashMap<>();
        for (int i = 0; i < arguments.length; i++) {
            String name = arguments[i].startsWith("--") ? arguments[i].substring(2) : null;
            if (name == null && url == null) url = arguments[i].replaceAll("/*$", "/");
            else if (SWITCHES.contains(name)) values.put(name, "");
            else if (WITH_VALUE.contains(name) && i + 1 < arguments.length) values.put(name, arguments[++i]);
            else usage("not understood: " + arguments[i]);
        }
        if (url == null && !values.containsKey("list")) usage("one URL is needed: the server's");
        return new Options(url, values);
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    String get(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    static void usage(String text) {
        System.err.println(text);
        System.exit(2);
    }
}

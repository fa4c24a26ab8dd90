/** What was expected did not come. */
final class CheckFailed extends RuntimeException {
    private static final long serialVersionUID = 1;

    CheckFailed(String text) {
        super(text);
    }
}

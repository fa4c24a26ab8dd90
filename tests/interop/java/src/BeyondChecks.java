import com.microsoft.signalr.HubConnection;
import io.reactivex.rxjava3.core.Observable;

/** What ASP.NET Core 10 itself fails now and then, and this project must not: a call ends while its upload is full. */
final class BeyondChecks {
    static final Area AREA = new Area("beyond");

    private BeyondChecks() {
    }

    static {
        AREA.check("method_returns_while_hundreds_of_items_come", x -> {
            HubConnection c = x.open();
            Observable<String> words = Observable.range(0, 300).map(String::valueOf);
            Expect.equal("0", c.invoke(String.class, "FirstOf", words).blockingGet());
            Expect.equal(3, c.invoke(Integer.class, "Add", 1, 2).blockingGet(), "the connection after it");
        });
        AREA.check("method_fails_while_hundreds_of_items_come", x -> {
            HubConnection c = x.open();
            Expect.rejects("An unexpected error occurred invoking 'FailDuring' on the server. HubException: enough",
                c.invoke(String.class, "FailDuring", Observable.range(0, 300), "enough"));
            Expect.equal(3, c.invoke(Integer.class, "Add", 1, 2).blockingGet(), "the connection after it");
        });
    }
}

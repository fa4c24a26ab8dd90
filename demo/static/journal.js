// The server log: a stream that the hub never ends. After a reconnect it goes on behind the last entry that was seen.
import { append, element } from "./page.js";

export function journalCard(link) {
  let last = null;
  const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 });

  link.addEventListener("open", () => {
    link.hub.stream("Journal", last).subscribe({
      next(entry) {
        last = entry.number;
        const time = document.createElement("time");
        time.textContent = clock.format(new Date(entry.time * 1000));
        const source = document.createElement("span");
        source.className = "source";
        source.textContent = entry.source;
        append(element("log"), [time, source, entry.text], 500).classList.toggle("end", entry.text.startsWith("finally"));
      },
      error() {}, // the connection is gone: the connection card says so
      complete() {},
    });
  });
}

// A stream from the server: started, watched and cancelled. The page is drawn once a frame, however fast the items come.
import { Plot } from "./plot.js";
import { element, number, outcome, showError, text } from "./page.js";

const SHOWN = 300; // items listed
const WINDOW = 1000; // milliseconds over which the rate is taken

export function counterCard(link) {
  const plot = new Plot(element("plot"));
  let run = null;

  function buttons() {
    element("start").disabled = !link.connected || run !== null;
    element("cancel").disabled = run === null;
  }

  function draw() {
    const current = run;
    if (current === null) return;
    const now = performance.now();
    current.marks.push([now, current.items]);
    while (current.marks.length > 2 && now - current.marks[1][0] > WINDOW) current.marks.shift();
    const [since, before] = current.marks[0];
    const rate = now > since ? ((current.items - before) * 1000) / (now - since) : 0;
    const seconds = (now - current.started) / 1000;
    text("items", number.format(current.items));
    text("rate", number.format(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate)));
    text("elapsed", `${seconds.toFixed(1)} s`);
    if (current.first !== null) text("first", `${(current.first - current.started).toFixed(1)} ms`);
    const arrived = element("arrived");
    text("arrived", current.latest.join(" "));
    arrived.scrollTop = arrived.scrollHeight;
    if (seconds > 0.05) plot.add(seconds, current.items, rate);
    current.frame = requestAnimationFrame(draw);
  }

  function end(message, kind, error = null) {
    if (run === null) return;
    cancelAnimationFrame(run.frame);
    draw();
    cancelAnimationFrame(run.frame);
    run = null;
    outcome("counter-outcome", message, kind);
    showError("counter-error", error);
    buttons();
  }

  element("counter-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const count = element("count").valueAsNumber;
    plot.clear();
    showError("counter-error", null);
    text("first", "–");
    outcome("counter-outcome", "Running…");
    const started = performance.now();
    run = { items: 0, first: null, latest: [], marks: [[started, 0]], started, frame: 0, subscription: null };
    const current = run;
    run.subscription = link.hub.stream("Counter", count, element("delay").valueAsNumber).subscribe({
      next(item) {
        current.first ??= performance.now();
        current.items += 1;
        current.latest.push(item);
        if (current.latest.length > SHOWN) current.latest.shift();
      },
      complete: () => current === run && end(`Complete: all ${number.format(count)} items.`, "good"),
      error: (error) => current === run && end("Ended by an error.", "stopped", error),
    });
    run.frame = requestAnimationFrame(draw);
    buttons();
  });

  element("cancel").addEventListener("click", () => {
    const items = number.format(run.items);
    run.subscription.dispose();
    end(`Cancelled after ${items} items.`, "stopped");
  });

  link.addEventListener("change", buttons);
}

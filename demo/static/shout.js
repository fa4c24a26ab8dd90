// One call that streams both ways: each word goes up at its space or Enter and comes back in capitals at once.
import { append, element, outcome, showError } from "./page.js";

const { signalR } = window;

export function shoutCard(link) {
  let subject = null;

  function buttons() {
    element("words").disabled = !link.connected;
    element("complete-shout").disabled = !link.connected || subject === null;
  }

  function open() {
    const opened = new signalR.Subject();
    const ended = (message, kind, error) => {
      if (subject === opened) subject = null;
      outcome("shout-outcome", message, kind);
      showError("shout-error", error);
      buttons();
    };
    subject = opened;
    for (const id of ["typed", "returned"]) element(id).replaceChildren();
    showError("shout-error", null);
    outcome("shout-outcome", "Open in both directions.");
    link.hub.stream("Shout", opened).subscribe({
      next: (word) => append(element("returned"), word),
      complete: () => ended("Complete: both streams have ended.", "good", null),
      error: (error) => ended("Ended by an error.", "stopped", error),
    });
  }

  function send(words) {
    for (const word of words) {
      if (subject === null) open();
      subject.next(word);
      append(element("typed"), word);
    }
    buttons();
  }

  element("words").addEventListener("input", () => {
    const parts = element("words").value.split(/\s+/);
    element("words").value = parts.pop();
    send(parts.filter(Boolean));
  });

  function sendRest() {
    send([element("words").value.trim()].filter(Boolean));
    element("words").value = "";
  }

  element("word-form").addEventListener("submit", (event) => {
    event.preventDefault();
    sendRest();
  });

  element("complete-shout").addEventListener("click", () => {
    sendRest();
    subject.complete();
    subject = null;
    buttons();
    element("words").focus();
  });

  link.addEventListener("change", buttons);
}

// The page: one connection, and the cards that use it.
import { Link } from "./connection.js";
import { counterCard } from "./counter.js";
import { journalCard } from "./journal.js";
import { shoutCard } from "./shout.js";
import { uploadCard } from "./upload.js";
import { element, showError, text } from "./page.js";

const link = new Link("/streamHub");
for (const card of [journalCard, counterCard, uploadCard, shoutCard]) card(link);

const chosen = () => document.querySelector("input[name=protocol]:checked").value;
const names = { json: "JSON", messagepack: "MessagePack" };

link.addEventListener("change", () => {
  element("state").dataset.state = link.state;
  text("state-text", link.state);
  text("transport", link.connected ? link.transport : "–");
  text("protocol", link.connected ? names[link.protocol] : "–");
  text("connection-id", link.connected ? link.hub.connectionId : "–");
  text("connect", link.state === "Disconnected" ? "Connect" : "Disconnect");
  showError("connection-error", link.error);
});

element("connect").addEventListener("click", () => (link.state === "Disconnected" ? link.connect(chosen()) : link.disconnect()));
for (const choice of document.querySelectorAll("input[name=protocol]")) {
  choice.addEventListener("change", async () => {
    await link.disconnect();
    await link.connect(chosen());
  });
}
link.connect(chosen());

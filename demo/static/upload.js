// Streams to the server: lines as they are typed, and the lines of a file with progress.
import { append, element, number, outcome, showError, text } from "./page.js";

const { signalR } = window;
const LONGEST = 4000; // characters of one item: a hub takes messages of 32 KiB by default, so longer lines go in pieces
const AHEAD = 1000; // lines sent before the server has reported them read; WebSockets tell a page nothing of a slow reader

const counted = (lines, noun = "line") => `${number.format(lines)} ${noun}${lines === 1 ? "" : "s"}`;

export function uploadCard(link) {
  typed(link);
  file(link);
}

function typed(link) {
  let subject = null;

  function buttons() {
    for (const id of ["line", "send-line"]) element(id).disabled = !link.connected;
    element("complete-upload").disabled = !link.connected || subject === null;
  }

  async function open() {
    const opened = new signalR.Subject();
    subject = opened;
    element("sent-lines").replaceChildren();
    showError("upload-error", null);
    outcome("upload-outcome", "Open: each line is on the server already.");
    try {
      const result = await link.hub.invoke("UploadStream", opened);
      outcome("upload-outcome", `The server got ${counted(result.lines)}, ${counted(result.characters, "character")}.`, "good");
    } catch (error) {
      outcome("upload-outcome", "Ended by an error.", "stopped");
      showError("upload-error", error);
    }
    if (subject === opened) subject = null;
    buttons();
  }

  element("line-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const line = element("line").value;
    if (!line) return;
    if (subject === null) open();
    subject.next(line);
    append(element("sent-lines"), line);
    element("line").value = "";
    buttons();
  });

  element("complete-upload").addEventListener("click", () => {
    subject.complete();
    subject = null;
    buttons();
    element("line").focus();
  });

  link.addEventListener("change", buttons);
}

function pieces(content) {
  const lines = content.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines.flatMap((line) => (line.length <= LONGEST ? [line] : line.match(new RegExp(`.{1,${LONGEST}}`, "gsu"))));
}

function file(link) {
  let current = null;

  function buttons() {
    element("file").disabled = !link.connected || current !== null;
    element("cancel-file").disabled = current === null;
  }

  function progress(read, total) {
    element("file-progress").value = total ? read / total : 1;
    text("file-read", `${number.format(read)} of ${counted(total)}`);
  }

  function end(run, message, kind, error = null) {
    if (current !== run) return;
    current = null;
    run.wake();
    outcome("file-outcome", message, kind);
    text("file-read", "");
    showError("upload-error", error);
    buttons();
  }

  async function upload(chosen) {
    const run = { read: 0, wake() {} };
    current = run;
    buttons();
    showError("upload-error", null);
    const lines = pieces(await chosen.text());
    if (current !== run) return;
    const subject = new signalR.Subject();
    outcome("file-outcome", `Uploading ${chosen.name}…`);
    progress(0, lines.length);
    run.subscription = link.hub.stream("UploadFile", subject).subscribe({
      next(read) {
        run.read = read;
        progress(read, lines.length);
        run.wake();
      },
      complete: () => end(run, `The server has read all of ${chosen.name}: ${counted(run.read)}.`, "good"),
      error: (error) => end(run, `${chosen.name}: ended by an error.`, "stopped", error),
    });
    for (const [index, line] of lines.entries()) {
      while (current === run && index - run.read >= AHEAD) await new Promise((wake) => (run.wake = wake));
      if (current !== run) return;
      subject.next(line);
    }
    subject.complete();
  }

  element("file").addEventListener("change", (event) => {
    const [chosen] = event.target.files;
    if (chosen) upload(chosen).catch((error) => end(current, "The file could not be sent.", "stopped", error));
    event.target.value = "";
  });

  element("cancel-file").addEventListener("click", () => {
    const run = current;
    run.subscription?.dispose();
    end(run, `Cancelled: the server had read ${counted(run.read)}.`, "stopped");
  });

  link.addEventListener("change", buttons);
}

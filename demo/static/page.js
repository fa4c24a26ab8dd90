// Small ways of writing to the page.
export const element = (id) => document.getElementById(id);

export const number = new Intl.NumberFormat("en");

export function text(id, value) {
  const node = element(id);
  if (node.textContent !== String(value)) node.textContent = value;
}

// How a call ended: kind is "good", "stopped" or "".
export function outcome(id, value, kind = "") {
  text(id, value);
  element(id).dataset.kind = kind;
}

export function showError(id, error) {
  const node = element(id);
  node.hidden = !error;
  node.textContent = error ? String(error.message ?? error) : "";
}

// Adds a list entry, keeps the newest `most`, and stays at the end unless the reader scrolled away from it.
export function append(list, content, most = 200) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const entry = document.createElement("li");
  entry.append(...[content].flat());
  list.append(entry);
  while (list.childElementCount > most) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
  return entry;
}

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

// Adds a list entry and keeps the newest `most`. The list stays at its end unless the reader has scrolled away from it.
export function append(list, content, most = 200) {
  const entry = document.createElement("li");
  entry.append(...[content].flat());
  list.append(entry);
  while (list.childElementCount > most) list.firstElementChild.remove();
  if (!followed.has(list)) follow(list);
  if (followed.get(list)) list.scrollTop = list.scrollHeight;
  return entry;
}

const followed = new WeakMap();

function follow(list) {
  const resized = new ResizeObserver(() => {
    if (followed.get(list)) list.scrollTop = list.scrollHeight;
  });
  followed.set(list, true);
  list.addEventListener("scroll", () => followed.set(list, list.scrollHeight - list.scrollTop - list.clientHeight < 40));
  resized.observe(list);
}

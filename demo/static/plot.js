// The live plot: items received (left scale) and items a second (right scale), over seconds.
const { uPlot } = window;
const MOST = 1200; // points kept; beyond them every second one is dropped, so that a long stream stays cheap to draw

export class Plot {
  #node;
  #chart = null;
  #data = [[0], [0], [0]];

  constructor(node) {
    this.#node = node;
    this.#draw();
    new ResizeObserver(() => this.#chart.setSize(this.#size())).observe(node);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  clear() {
    this.#data = [[0], [0], [0]];
    this.#chart.setData(this.#data);
  }

  add(seconds, items, rate) {
    const [times, counts, rates] = this.#data;
    times.push(seconds);
    counts.push(items);
    rates.push(rate);
    if (times.length > MOST) this.#data = this.#data.map((column) => column.filter((_, index) => index % 2 === 0));
    this.#chart.setData(this.#data);
  }

  #size() {
    return { width: this.#node.clientWidth, height: 220 };
  }

  #draw() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const short = (_, values) => values.map((value) => Intl.NumberFormat("en", { notation: "compact" }).format(value));
    const whole = (_, value) => (value == null ? "–" : Math.round(value));
    const axis = { stroke: color("--soft"), grid: { stroke: color("--edge"), width: 1 }, ticks: { stroke: color("--edge"), width: 1 } };
    this.#chart?.destroy();
    this.#chart = new uPlot(
      {
        ...this.#size(),
        scales: {
          x: { time: false, range: () => [0, Math.max(this.#data[0].at(-1), 1)] },
          items: { range: (_, low, high) => [0, Math.max(high, 5)] },
          rate: { range: (_, low, high) => [0, Math.max(high * 1.15, 5)] },
        },
        axes: [
          { ...axis, values: (_, values) => values.map((value) => `${value} s`), size: 36 },
          { ...axis, scale: "items", values: short, size: 56 },
          { ...axis, scale: "rate", values: short, side: 1, grid: { show: false }, size: 56 },
        ],
        series: [
          { label: "Seconds", value: (_, value) => (value == null ? "–" : value.toFixed(1)) },
          { label: "Items", scale: "items", stroke: color("--accent"), width: 2, fill: `color-mix(in srgb, ${color("--accent")} 12%, transparent)`, points: { show: false }, value: whole },
          { label: "Items a second", scale: "rate", stroke: color("--warm"), width: 1.5, points: { show: false }, value: whole },
        ],
      },
      this.#data,
      this.#node,
    );
  }
}

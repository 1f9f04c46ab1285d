import { html, type Markup } from '../pages/html.ts';

/** A line of a chart; x are epochs. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

const width = 640;
const height = 260;
const margin = { left: 64, right: 16, top: 12, bottom: 32 };

/** Lines have colours and dashes, for those who see no colours; more series than these begin again. */
export const chartStyle = `
.chart { max-width: 40rem; width: 100%; height: auto; display: block; }
.chart text { fill: var(--quiet); font: 12px system-ui, sans-serif; }
.chart .grid { stroke: var(--line); stroke-width: 0.5; }
.line { fill: none; stroke-width: 2; } .dot { stroke: none; }
.s0 { stroke: #0b57d0; color: #0b57d0; } .s1 { stroke: #c4460b; color: #c4460b; stroke-dasharray: 7 3; }
.s2 { stroke: #177245; color: #177245; stroke-dasharray: 2 3; } .s3 { stroke: #8430ce; color: #8430ce; stroke-dasharray: 9 3 2 3; }
.dot { fill: currentColor; }
@media (prefers-color-scheme: dark) {
  .s0 { stroke: #8ab4f8; color: #8ab4f8; } .s1 { stroke: #fcad70; color: #fcad70; }
  .s2 { stroke: #81c995; color: #81c995; } .s3 { stroke: #d7aefb; color: #d7aefb; }
}
.key { display: inline-block; margin-right: 1.2rem; } .key svg { vertical-align: middle; margin-right: 0.4rem; }
`;

/** Round numbers from at or below `low` to at or above `high`, about `count` of them. */
export function ticks(low: number, high: number, count = 4): number[] {
  const span = high > low ? high - low : Math.abs(high) || 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Lines over the epochs as an SVG picture with its legend; null where no series has a point. */
export function lineChart(label: string, series: readonly Series[]): Markup | null {
  const shown = series.filter(({ points }) => points.length > 0);
  const all = shown.flatMap(({ points }) => points);
  if (all.length === 0) return null;
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const yTicks = ticks(Math.min(...ys), Math.max(...ys));
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const [low, high] = [yTicks[0], yTicks[yTicks.length - 1]];
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  const round = (value: number) => Math.round(value * 10) / 10;
  const across = (x: number) =>
    round(margin.left + (last > first ? (x - first) / (last - first) : 0.5) * inner.width);
  const down = (y: number) => round(margin.top + ((high - y) / (high - low)) * inner.height);
  const epochs = ticks(first, last, 8).filter((x) => Number.isInteger(x) && x >= first && x <= last);
  const lines = shown.map(({ name, points }, index) => {
    const path = points.map(([x, y]) => `${across(x)},${down(y)}`).join(' ');
    const dots = points.map(
      ([x, y]) =>
        html`<circle class="dot s${index % 4}" cx="${across(x)}" cy="${down(y)}" r="3"><title>${name}, epoch ${x}: ${figure(y)}</title></circle>`,
    );
    return html`<polyline class="line s${index % 4}" points="${path}"/>${dots}`;
  });
  const keys = shown.map(
    ({ name }, index) =>
      html`<span class="key"><svg width="28" height="8" aria-hidden="true"><line class="line s${index % 4}" x1="0" y1="4" x2="28" y2="4"/></svg>${name}</span>`,
  );
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label} over the epochs">
${yTicks.map((y) => html`<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${down(y)}" y2="${down(y)}"/><text x="${margin.left - 8}" y="${down(y) + 4}" text-anchor="end">${figure(y)}</text>`)}
${epochs.map((x) => html`<text x="${across(x)}" y="${height - 12}" text-anchor="middle">${x}</text>`)}
${lines}
</svg>
<p class="quiet">${keys}</p>`;
}

const figure = (value: number): string => String(Number(value.toPrecision(4)));

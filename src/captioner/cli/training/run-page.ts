import { readFileSync, statSync } from 'node:fs';
import { packageVersion } from '../files.ts';
import { html, Markup } from '../pages/html.ts';
import type { Sample } from './checkpoint.ts';
import type { Config } from './config-file.ts';
import { chartStyle, lineChart, type Series } from './line-chart.ts';

/** Whether a run goes on while its page is read; a page of one that does loads itself again every minute. */
export type Progress = 'running' | 'stopped' | 'ended';

/** What the page of a run tells. */
export interface RunPage {
  readonly heading: string;
  /** How far it has come, for the title of the window. */
  readonly reached: string;
  readonly summary: Markup;
  readonly charts: readonly (readonly [title: string, series: readonly Series[]])[];
  readonly samples: readonly Sample[];
  /** A row for each epoch. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly config: Config;
  readonly dataHash: string;
}

const secondsToReload = 60;
/** Larger images are left out: the page is to stay small. */
const largestImage = 200_000;

const style = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1b1b; --quiet: #595959; --line: #c9c9c9; }
@media (prefers-color-scheme: dark) { :root { --paper: #161616; --ink: #ececec; --quiet: #b0b0b0; --line: #4a4a4a; } }
body { background: var(--paper); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; } .quiet { color: var(--quiet); }
table { border-collapse: collapse; font-size: 0.9rem; } td, th { border-bottom: 1px solid var(--line); padding: 0.15rem 0.8rem 0.15rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
.samples { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); }
figure { margin: 0; } figure img { height: auto; max-height: 12rem; max-width: 100%; } ol { list-style: none; margin: 0; padding: 0; }
`;

/**
 * A page that tells how a run goes: curves, what the model said about some images, and the settings. It stands by itself:
 * pictures are data URLs, and there is no script.
 */
export function runPage(run: RunPage, progress: Progress): string {
  const { heading, reached, summary, samples, columns, rows, config, dataHash } = run;
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  const reload = progress === 'running' ? html`<meta http-equiv="refresh" content="${secondsToReload}">` : '';
  const charts = run.charts.flatMap(([title, series]) => {
    const chart = lineChart(title, series);
    return chart ? [html`<h2>${title}</h2>${chart}`] : [];
  });
  const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
${reload}
<link rel="icon" href="data:,">
<title>${heading}: ${reached}</title>
<style>${new Markup(style + chartStyle)}</style>
<body>
<main>
<h1>${heading}</h1>
<p>${summary}</p>
${charts}
${samples.length > 0 ? html`<h2>What the model says</h2><div class="samples">${samples.map(sampleFigure)}</div>` : ''}
${rows.length > 0 ? html`<h2>Epochs</h2>${table(columns, rows)}` : ''}
<h2>Settings</h2>
<table>${Object.entries(config).map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${[value].flat().map(String).join(', ')}</td></tr>`)}</table>
<p class="quiet">ekphrasis ${packageVersion()}, Node ${process.version}; SHA-256 of the data ${dataHash}.</p>
</main>
</body>
</html>
`;
  return page.text;
}

function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): Markup {
  return html`<table><tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr>${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</table>`;
}

/** A line of a chart: a value of each epoch that has one. */
export function seriesOf<Line extends { readonly epoch: number }>(
  history: readonly Line[],
  name: string,
  value: (line: Line) => number | undefined,
): Series {
  const points = history.flatMap((line): [number, number][] => {
    const y = value(line);
    return y === undefined || !Number.isFinite(y) ? [] : [[line.epoch, y]];
  });
  return { name, points };
}

/** An image and its captions, the latest first; of equal ones in a row the first alone. */
function sampleFigure({ image, captions }: Sample): Markup {
  const changes = captions.filter(({ caption }, index) => caption !== captions[index - 1]?.caption);
  const url = dataUrl(image);
  const picture = url === null ? '' : html`<img src="${url}" alt="">`;
  return html`<figure>${picture}<figcaption><ol>${changes.reverse().map(({ epoch, caption }) => html`<li><span class="quiet">${epoch}</span> ${caption || '(no word)'}</li>`)}</ol></figcaption></figure>`;
}

const urls = new Map<string, string | null>();

/** The file as it is, if it is a small JPEG or PNG. */
function dataUrl(path: string): string | null {
  let url = urls.get(path);
  if (url === undefined) {
    url = readDataUrl(path);
    urls.set(path, url);
  }
  return url;
}

function readDataUrl(path: string): string | null {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY;
  if (size >= largestImage || size < 2) return null;
  const bytes = readFileSync(path);
  const type = bytes.readUInt16BE(0) === 0xffd8 ? 'jpeg' : bytes.readUInt16BE(0) === 0x8950 ? 'png' : null;
  return type === null ? null : `data:image/${type};base64,${bytes.toString('base64')}`;
}

import { readFileSync, statSync } from 'node:fs';
import { packageVersion } from '../files.ts';
import { html, Markup } from '../pages/html.ts';
import { bestOf } from './best-epoch.ts';
import type { Sample, TrainingState } from './checkpoint.ts';
import type { Epoch } from './epoch.ts';
import { chartStyle, lineChart, type Series } from './line-chart.ts';
import type { ReportFacts } from './report-facts.ts';

/** Whether a training goes on while its page is read; a page of one that does loads itself again every minute. */
export type Progress = 'running' | 'stopped' | 'ended';

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
 * A page that tells how a training goes: curves, what the model said about some images, and the settings. It stands by
 * itself: pictures are data URLs, and there is no script.
 */
export function trainingPage(state: TrainingState, facts: ReportFacts, progress: Progress): string {
  const { settings, history, samples } = state;
  const best = bestOf(history, settings.chooseBy);
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  const reload = progress === 'running' ? html`<meta http-equiv="refresh" content="${secondsToReload}">` : '';
  const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
${reload}
<link rel="icon" href="data:,">
<title>Training of a captioner: epoch ${history.length} of ${settings.epochs}</title>
<style>${new Markup(style + chartStyle)}</style>
<body>
<main>
<h1>Training of a captioner</h1>
<p>${history.length} of ${settings.epochs} epochs done, ${progress}${best ? html`; the best is epoch ${best.epoch}` : ''}.
${trainedOn(facts)}, ${facts.images.dev} to choose by, ${facts.wordIds} word ids. Device: ${facts.device}.</p>
${charts(history).map(([title, chart]) => html`<h2>${title}</h2>${chart}`)}
${samples.length > 0 ? html`<h2>What the model says</h2><div class="samples">${samples.map(sampleFigure)}</div>` : ''}
${history.length > 0 ? html`<h2>Epochs</h2>${epochTable(history)}` : ''}
<h2>Settings</h2>
<table>${Object.entries(state.config).map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${[value].flat().map(String).join(', ')}</td></tr>`)}</table>
<p class="quiet">ekphrasis ${packageVersion()}, Node ${process.version}; SHA-256 of the data ${state.dataHash}.</p>
</main>
</body>
</html>
`;
  return page.text;
}

function trainedOn({ images, text }: ReportFacts): string {
  if (text.length === 0) return `${images.train} images to train on`;
  const sentences = text.reduce((sum, file) => sum + file.sentences, 0);
  return `A language model of ${sentences} sentences without images; of ${images.train} images the features' statistics`;
}

function charts(history: readonly Epoch[]): [title: string, chart: Markup][] {
  const of = (name: string, value: (line: Epoch) => number | undefined): Series => ({
    name,
    points: history.flatMap((line): [number, number][] => {
      const y = value(line);
      return y === undefined || !Number.isFinite(y) ? [] : [[line.epoch, y]];
    }),
  });
  const sets = history[0]?.sets ?? [];
  const ofSets = (measure: 'devLoss' | 'devCider') =>
    sets.map(({ data }, index) => of(data, ({ sets: measured }) => measured?.[index]?.[measure]));
  const lines: [string, Series[]][] = [
    [
      'Loss per word, in nats',
      [
        of('training', ({ trainLoss }) => trainLoss ?? undefined),
        of('development', ({ devLoss }) => devLoss),
        ...ofSets('devLoss'),
      ],
    ],
    ['CIDEr of development images', [of('CIDEr', ({ devCider }) => devCider), ...ofSets('devCider')]],
    ['BLEU-4 of development images', [of('BLEU-4', ({ devBleu4 }) => devBleu4)]],
    ['Mean reward', [of('reward', ({ trainReward }) => trainReward ?? undefined)]],
    ['Learning rate', [of('learning rate', ({ learningRate }) => learningRate)]],
  ];
  return lines.flatMap(([title, series]): [string, Markup][] => {
    const chart = lineChart(title, series);
    return chart ? [[title, chart]] : [];
  });
}

function epochTable(history: readonly Epoch[]): Markup {
  const names = ['epoch', 'loss or reward', 'dev loss', 'CIDEr', 'BLEU-4', 'learning rate', 'seconds'];
  const cells = (line: Epoch) => [
    line.epoch,
    (line.trainLoss ?? line.trainReward)?.toFixed(4) ?? '',
    line.devLoss.toFixed(4),
    line.devCider?.toFixed(3) ?? '',
    line.devBleu4?.toFixed(3) ?? '',
    Number(line.learningRate.toPrecision(3)),
    line.seconds,
  ];
  return html`<table><tr>${names.map((name) => html`<th scope="col">${name}</th>`)}</tr>${history.map((line) => html`<tr>${cells(line).map((cell) => html`<td>${cell}</td>`)}</tr>`)}</table>`;
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

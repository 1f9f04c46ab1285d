/** The page that `--html` writes: one file that needs nothing else, readable on light and on dark ground. */
import { gigaflops, partOfRoofline } from '../measure/roofline.ts';
import { spread } from '../measure/statistics.ts';
import type { TargetOutcome } from '../targets.ts';
import { peerLegend, peersOf, ratioChart } from './charts/ratio-chart.ts';
import { rooflineChart } from './charts/roofline-chart.ts';
import { escaped } from './charts/svg.ts';
import { isOurs, ratioTo } from './ratios.ts';
import type { CaseOutcome, DeviceOutcome, EngineOutcome, Results } from './results.ts';
import { failures, rooflineLine } from './table.ts';
import { targetCells } from './target-lines.ts';
import { comparison, digits, duration, percent } from './wording.ts';

const style = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --faint: #d5dae0; --ours: #1b1f24;
  --p0: #2f6fd0; --p1: #c2571a; --p2: #3a8a4d; --p3: #8b4fb3; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181c; --ink: #e4e7eb; --faint: #3a4048; --ours: #fff;
  --p0: #6ea4f5; --p1: #f0935a; --p2: #74c587; --p3: #c293e6; } }
body { background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid var(--faint); white-space: nowrap; }
th:first-child, td:first-child, .text { text-align: left; }
.bad { color: var(--p1); font-weight: 600; }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--ink); }
.grid { stroke: var(--faint); stroke-width: .5; }
.one { stroke: var(--ink); }
.roof { stroke: var(--ink); stroke-width: 2; fill: none; }
.ours { fill: var(--ours); }
.peer-0 { fill: var(--p0); background: var(--p0); } .peer-1 { fill: var(--p1); background: var(--p1); }
.peer-2 { fill: var(--p2); background: var(--p2); } .peer-3 { fill: var(--p3); background: var(--p3); }
rect.slower { fill-opacity: .45; }
.legend { list-style: none; padding: 0; display: flex; gap: 1.2rem; }
.swatch { display: inline-block; width: .8em; height: .8em; margin-right: .4em; }
`;

const row = (cells: readonly string[], tag = 'td') =>
  `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;

function table(head: readonly string[], rows: readonly string[]): string {
  return `<div class="scroll"><table><thead>${row(head, 'th')}</thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

function engineRow(device: DeviceOutcome, one: CaseOutcome, outcome: EngineOutcome): string {
  const { engine } = outcome;
  if (outcome.status === 'lacks') return row([one.name, engine, '–', '–']);
  if (outcome.status === 'not-run') {
    return row([one.name, engine, 'not run', `would take ${digits(outcome.seconds)} s`]);
  }
  if (outcome.status !== 'measured') return row([one.name, engine, 'failed', '']);
  const { first, steady, repeats, gpu } = outcome;
  const flops = gigaflops(one, outcome);
  const part = partOfRoofline(device.roofline, one, outcome);
  const ratio = isOurs(engine) ? null : ratioTo(one, outcome, 'steady');
  return row([
    one.name,
    engine,
    duration(first),
    steady ? duration(steady.median) : 'too long',
    steady && steady.samples > 1 ? `±${percent(spread(steady))}` : '',
    steady ? `${steady.samples}${repeats > 1 ? ` × ${repeats}` : ''}` : '0',
    gpu ? duration(gpu.median) : '',
    flops === null ? '' : digits(flops),
    part === null ? '' : percent(part),
    ratio === null ? '' : comparison(ratio),
  ]);
}

const columns = 'case,engine,first run,steady,spread,runs,GPU time,GFLOPS,of peak,ours is'.split(',');

function deviceSection(device: DeviceOutcome): string {
  const wrong = failures(device).map((line) => `<li class="bad">${escaped(line)}</li>`);
  const rows = device.cases.flatMap((one) => one.engines.map((outcome) => engineRow(device, one, outcome)));
  const steady = ratioChart(device, 'steady');
  const first = ratioChart(device, 'first');
  const roofline = rooflineChart(device);
  return [
    `<h2>${escaped(device.device)}</h2>`,
    `<p>${escaped(device.description)}</p>`,
    ...device.engines.map(({ name, description }) => `<p>${escaped(`${name}: ${description}`)}</p>`),
    wrong.length ? `<ul>${wrong.join('')}</ul>` : '',
    steady &&
      `<h3>How many times faster ours is</h3>${peerLegend(peersOf(device))}${steady}<p>To the right of 1× it is faster.</p>`,
    first && `<details><summary>First runs, all compilation included</summary>${first}</details>`,
    roofline && device.roofline
      ? `<h3>Under the roof</h3><p>${escaped(rooflineLine(device.roofline))}. The larger dots are ours.</p>${roofline}`
      : '',
    `<details><summary>All figures</summary>${table(columns, rows)}</details>`,
  ].join('\n');
}

function targetSection(targets: readonly TargetOutcome[]): string {
  const shown = targets.filter(({ of }) => of > 0);
  if (shown.length === 0) return '';
  const rows = shown.map((target) => {
    const { wanted, got, verdict } = targetCells(target);
    return row([target.title, target.device, wanted, got, verdict]);
  });
  return `<h2>Targets</h2>${table(['target', 'device', 'wanted', 'got', ''], rows)}`;
}

/** The whole page as text. */
export function htmlPage(results: Results, targets: readonly TargetOutcome[]): string {
  const { machine, date, commit, packages, method } = results;
  const gigabytes = `${digits(machine.memoryBytes / 2 ** 30)} GiB`;
  const facts = [
    `${machine.processor}, ${machine.cores} cores, ${gigabytes}, ${machine.system}, Node ${machine.node}`,
    `${date.slice(0, 10)}${commit === null ? '' : `, commit ${commit}`}`,
    Object.entries(packages)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    `Medians of up to ${method.rounds} samples, engines in turn, ${method.processPerCase ? 'every case in a process of its own' : 'all cases in one process'}.`,
  ];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Ekphrasis, benchmark</title>
<style>${style}</style>
<h1>Benchmark</h1>
${facts.map((fact) => `<p>${escaped(fact)}</p>`).join('\n')}
${targetSection(targets)}
${results.devices.map(deviceSection).join('\n')}
</html>
`;
}

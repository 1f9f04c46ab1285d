/** The table in the terminal. */
import { gigaflops, partOfRoofline } from '../measure/roofline.ts';
import { spread } from '../measure/statistics.ts';
import { isOurs, ratioTo } from './ratios.ts';
import type { CaseOutcome, DeviceOutcome, EngineOutcome, Roofline } from './results.ts';
import { comparison, digits, duration, percent } from './wording.ts';

const head = ['', 'engine', 'first', 'steady', 'spread', 'runs', 'GPU', 'GFLOPS', 'of peak', 'ours is'];

function measuredCells(
  roofline: Roofline | null,
  one: CaseOutcome,
  outcome: EngineOutcome & { status: 'measured' },
): string[] {
  const { steady, repeats, first, gpu } = outcome;
  const flops = gigaflops(one, outcome);
  const part = partOfRoofline(roofline, one, outcome);
  const ratio = isOurs(outcome.engine) ? null : ratioTo(one, outcome, 'steady');
  return [
    duration(first),
    steady ? duration(steady.median) : 'too long',
    steady && steady.samples > 1 ? `±${percent(spread(steady))}` : '',
    steady ? `${steady.samples}${repeats > 1 ? `×${repeats}` : ''}` : '0',
    gpu ? duration(gpu.median) : '',
    flops === null ? '' : digits(flops),
    part === null ? '' : percent(part),
    ratio === null ? '' : comparison(ratio),
  ];
}

/** The cells of one engine after its name; words that are not of a column go last. */
function cells(roofline: Roofline | null, one: CaseOutcome, outcome: EngineOutcome): string[] {
  const words = (text: string) => ['', '', '', '', '', '', '', text];
  switch (outcome.status) {
    case 'measured':
      return measuredCells(roofline, one, outcome);
    case 'lacks':
      return ['–', '–', '', '', '', '', '', ''];
    case 'not-run':
      return words(`not run: would take ${digits(outcome.seconds)} s`);
    case 'failed':
      return words('FAILED');
    case 'void':
      return words('void: outputs disagree');
  }
}

/** Aligns columns: the first two and the last to the left, the others to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column < 2 || column === head.length - 1
          ? cell.padEnd(widths[column])
          : cell.padStart(widths[column]),
      )
      .join('  ')
      .trimEnd(),
  );
}

export function rooflineLine({ flops, bandwidths }: Roofline): string {
  const speeds = bandwidths.map(
    ({ workingSet, bytesPerSecond }) =>
      `${digits(bytesPerSecond / 1e9)} (${digits(workingSet / 2 ** 20)} MiB)`,
  );
  return `measured peak: ${digits(flops / 1e9)} GFLOPS; copies ${speeds.join(', ')} GB/s`;
}

/** All failures of a device, a line each, with their reasons. */
export function failures({ device, cases }: DeviceOutcome): string[] {
  return cases.flatMap(({ name, mismatch, engines }) => [
    ...(mismatch === null ? [] : [`${device}  ${name}: outputs disagree: ${mismatch}`]),
    ...engines.flatMap((one) =>
      one.status === 'failed' ? [`${device}  ${name}  ${one.engine}: ${one.reason}`] : [],
    ),
  ]);
}

/** The whole table of a device, as lines. */
export function deviceTable(outcome: DeviceOutcome): string[] {
  const { device, description, roofline, engines, cases } = outcome;
  const lines = [`${device}: ${description}`];
  if (roofline) lines.push(rooflineLine(roofline));
  for (const engine of engines) lines.push(`${engine.name}: ${engine.description}`);
  const rows: string[][] = [];
  const groupAt = new Map<number, string>();
  for (const [index, one] of cases.entries()) {
    if (one.group !== cases[index - 1]?.group) groupAt.set(rows.length, one.group);
    for (const [place, engine] of one.engines.entries()) {
      rows.push([place === 0 ? one.name : '', engine.engine, ...cells(roofline, one, engine)]);
    }
  }
  const [title, ...body] = align([head, ...rows]);
  lines.push('', title);
  for (const [index, line] of body.entries()) {
    const group = groupAt.get(index);
    if (group) lines.push(`— ${group}`);
    lines.push(line);
  }
  return lines;
}

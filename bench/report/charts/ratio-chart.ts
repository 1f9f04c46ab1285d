import { isOurs, type Measure, ratioTo, timeOf, withoutThreads } from '../ratios.ts';
import type { CaseOutcome, DeviceOutcome } from '../results.ts';
import { comparison, duration } from '../wording.ts';
import { element, escaped, factorScale, label, line, tickLabel } from './svg.ts';

const width = 860;
const names = 270;
const rowHeight = 15;
const headHeight = 26;

interface Bar {
  readonly peer: string;
  readonly ratio: number;
  readonly words: string;
}

/** Peers of a device in a fixed order, which is that of their colours. */
export function peersOf({ engines }: DeviceOutcome): string[] {
  return engines.map(({ name }) => name).filter((name) => !isOurs(name));
}

function barsOf(one: CaseOutcome, measure: Measure): Bar[] {
  return one.engines.flatMap((outcome) => {
    const ratio = isOurs(outcome.engine) ? null : ratioTo(one, outcome, measure);
    if (ratio === null) return [];
    const time = timeOf(outcome, measure) ?? 0;
    const words = `${one.name}: ours ${duration(time / ratio)}, ${outcome.engine} ${duration(time)}: ${comparison(ratio)}`;
    return [{ peer: outcome.engine, ratio, words }];
  });
}

/** What the colours stand for. */
export function peerLegend(peers: readonly string[]): string {
  const items = peers.map(
    (peer, index) => `<li><span class="swatch peer-${index}"></span>${escaped(withoutThreads(peer))}</li>`,
  );
  return `<ul class="legend">${items.join('')}</ul>`;
}

/**
 * How many times faster ours is, a bar for each case and peer, on a scale of factors: to the right of 1× faster, to
 * the left slower. Empty where nothing was compared.
 */
export function ratioChart(device: DeviceOutcome, measure: Measure): string {
  const peers = peersOf(device);
  const rows = device.cases
    .map((one) => ({ name: one.name, bars: barsOf(one, measure) }))
    .filter(({ bars }) => bars.length > 0);
  const ratios = rows.flatMap(({ bars }) => bars.map(({ ratio }) => ratio));
  if (ratios.length === 0) return '';
  const scale = factorScale(
    Math.min(0.5, ...ratios) / 1.2,
    Math.max(2, ...ratios) * 1.2,
    names + 10,
    width - 10,
  );
  const height = headHeight + rows.reduce((sum, { bars }) => sum + bars.length * rowHeight + 5, 0);
  const parts = scale.ticks.flatMap((tick) => [
    line(scale.at(tick), headHeight - 6, scale.at(tick), height, tick === 1 ? 'one' : 'grid'),
    label(tickLabel(tick, '×'), { x: scale.at(tick), y: 12, 'text-anchor': 'middle' }),
  ]);
  let y = headHeight;
  for (const { name, bars } of rows) {
    parts.push(label(name, { x: names, y: y + (bars.length * rowHeight) / 2 + 4, 'text-anchor': 'end' }));
    for (const { peer, ratio, words } of bars) {
      const [left, right] = [scale.at(Math.min(1, ratio)), scale.at(Math.max(1, ratio))];
      parts.push(
        element(
          'rect',
          {
            x: left,
            y: y + 1,
            width: Math.max(1, right - left),
            height: rowHeight - 3,
            class: `peer-${peers.indexOf(peer)}${ratio < 0.99 ? ' slower' : ''}`,
          },
          element('title', {}, escaped(words)),
        ),
      );
      y += rowHeight;
    }
    y += 5;
  }
  return element(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `times faster on ${device.device}` },
    parts.join(''),
  );
}

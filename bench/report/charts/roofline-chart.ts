import { bandwidthAt, gigaflops, partOfRoofline } from '../../measure/roofline.ts';
import { isOurs } from '../ratios.ts';
import type { DeviceOutcome, Roofline } from '../results.ts';
import { digits, percent } from '../wording.ts';
import { peersOf } from './ratio-chart.ts';
import { element, escaped, factorScale, label, line, tickLabel } from './svg.ts';

const width = 860;
const height = 420;
const left = 60;
const bottom = 40;

interface Dot {
  readonly engine: string;
  /** Floating-point operations for each byte that has to move. */
  readonly intensity: number;
  readonly gigaflops: number;
  readonly words: string;
}

function dotsOf({ cases, roofline }: DeviceOutcome): Dot[] {
  return cases.flatMap((one) =>
    one.engines.flatMap((outcome) => {
      const speed = gigaflops(one, outcome);
      if (speed === null || !one.flops || !one.bytes) return [];
      const part = partOfRoofline(roofline, one, outcome);
      const words = `${one.name}, ${outcome.engine}: ${digits(speed)} GFLOPS${part === null ? '' : `, ${percent(part)} of the peak`}`;
      return [{ engine: outcome.engine, intensity: one.flops / one.bytes, gigaflops: speed, words }];
    }),
  );
}

/** GFLOPS at the roof over work of this intensity, whose operands come from memory. */
function roof(roofline: Roofline, intensity: number): number {
  return Math.min(roofline.flops, intensity * bandwidthAt(roofline, Number.POSITIVE_INFINITY)) / 1e9;
}

/**
 * GFLOPS over operations a byte, every case a dot, under the roof that the device's measured peaks are. Dots of small
 * cases can lie above its slope, since their operands stay in caches. Empty without a measured peak.
 */
export function rooflineChart(device: DeviceOutcome): string {
  const { roofline } = device;
  const dots = dotsOf(device);
  if (!roofline || dots.length === 0) return '';
  const peers = peersOf(device);
  const intensities = dots.map(({ intensity }) => intensity);
  const speeds = dots.map((dot) => dot.gigaflops);
  const [least, most] = [Math.min(...intensities) / 1.5, Math.max(...intensities) * 1.5];
  const x = factorScale(least, most, left, width - 15);
  const y = factorScale(
    Math.min(...speeds) / 2,
    Math.max(roofline.flops / 1e9, ...speeds) * 1.5,
    height - bottom,
    15,
  );
  const parts = [
    ...x.ticks.flatMap((tick) => [
      line(x.at(tick), 15, x.at(tick), height - bottom, 'grid'),
      label(tickLabel(tick), { x: x.at(tick), y: height - bottom + 16, 'text-anchor': 'middle' }),
    ]),
    ...y.ticks.flatMap((tick) => [
      line(left, y.at(tick), width - 15, y.at(tick), 'grid'),
      label(tickLabel(tick), { x: left - 6, y: y.at(tick) + 4, 'text-anchor': 'end' }),
    ]),
    label('operations for each byte', { x: (left + width) / 2, y: height - 6, 'text-anchor': 'middle' }),
    label('GFLOPS', { x: 6, y: 12 }),
  ];
  const ridge = roofline.flops / bandwidthAt(roofline, Number.POSITIVE_INFINITY);
  const corners = [least, Math.min(Math.max(ridge, least), most), most];
  const points = corners.map((each) => `${x.at(each).toFixed(1)},${y.at(roof(roofline, each)).toFixed(1)}`);
  parts.push(element('polyline', { points: points.join(' '), class: 'roof' }));
  for (const { engine, intensity, gigaflops: speed, words } of dots) {
    parts.push(
      element(
        'circle',
        {
          cx: x.at(intensity),
          cy: y.at(speed),
          r: isOurs(engine) ? 4 : 3,
          class: isOurs(engine) ? 'ours' : `peer-${peers.indexOf(engine)}`,
        },
        element('title', {}, escaped(words)),
      ),
    );
  }
  return element(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `roofline of ${device.device}` },
    parts.join(''),
  );
}

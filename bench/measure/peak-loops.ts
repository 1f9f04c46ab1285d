/** The loops that tell a processor's peak, the same in a thread of Node and in a page's worker. */
import plainModule from '../../build/bench/peak.wasm';
import relaxedModule from '../../build/bench/peak-relaxed.wasm';

/** What a worker is asked for; `bytes` is the size of an array that it copies. */
export type PeakRequest =
  | { readonly kind: 'arithmetic'; readonly milliseconds: number }
  | { readonly kind: 'copy'; readonly bytes: number; readonly milliseconds: number };

/** Operations or bytes a second, and whether the loop used relaxed SIMD. */
export interface PeakAnswer {
  readonly speed: number;
  readonly relaxed: boolean;
}

interface PeakExports {
  multiplyAdd(steps: number, factor: number, addend: number): number;
  reserve(bytes: number): void;
  copy(bytes: number): void;
}

const relaxed = WebAssembly.validate(relaxedModule);
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(relaxed ? relaxedModule : plainModule));
const wasm = exports as unknown as PeakExports;

/** Units a second of a work that does `units` a call, the fastest call within the time. */
function fastest(units: number, milliseconds: number, work: () => void): number {
  const end = performance.now() + milliseconds;
  let best = 0;
  while (performance.now() < end) {
    const start = performance.now();
    work();
    best = Math.max(best, (1000 * units) / (performance.now() - start));
  }
  return best;
}

function speedOf(request: PeakRequest): number {
  if (request.kind === 'arithmetic') {
    const steps = 1 << 20;
    return fastest(64 * steps, request.milliseconds, () => wasm.multiplyAdd(steps, 0.5, 0.5));
  }
  const { bytes, milliseconds } = request;
  wasm.reserve(bytes);
  // A call copies 64 MiB at least, so that the clock's steps do not matter.
  const copies = Math.max(1, Math.ceil(2 ** 26 / bytes));
  return fastest(2 * bytes * copies, milliseconds, () => {
    for (let i = 0; i < copies; i++) wasm.copy(bytes);
  });
}

/** Runs a loop for a while and tells its speed. */
export function answerPeak(request: PeakRequest): PeakAnswer {
  return { speed: speedOf(request), relaxed };
}

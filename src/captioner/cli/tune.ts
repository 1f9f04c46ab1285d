import type { TuningReport } from '../../kernels/profiling/tuning.ts';
import { openProgressBar } from './progress-bar.ts';
import type { Terminal } from './terminal.ts';

/** What is tuned: a device, and work on it. */
export interface Tunable {
  tune(progress: (done: number, total: number) => void): Promise<TuningReport>;
  close(): void;
}

/**
 * Tunes what `open` gives, closes it again, and says what was found; with `verbose` also each kernel that takes another
 * variant than it would by rule. A session that is opened afterwards takes what was found.
 */
export async function tune(
  open: () => Promise<Tunable>,
  verbose: boolean,
  terminal: Pick<Terminal, 'say'>,
): Promise<void> {
  const tunable = await open();
  const bar = openProgressBar('kernels tuned');
  const start = performance.now();
  try {
    const report = await tunable.tune((done, total) => bar.update(done, total));
    bar.close();
    for (const line of reportLines(report, performance.now() - start, verbose)) terminal.say(line);
  } finally {
    bar.close();
    tunable.close();
  }
}

function reportLines({ calls, failures, place }: TuningReport, took: number, verbose: boolean): string[] {
  const changed = calls.filter(({ variant, preferred }) => variant !== preferred);
  const lines = failures.map((failure) => `not to be had on this adapter: ${failure}`);
  if (verbose) {
    for (const { op, shapes, variant, preferred, milliseconds, preferredMilliseconds } of changed) {
      const times = `${milliseconds.toFixed(3)} ms, ${preferred} ${preferredMilliseconds.toFixed(3)} ms`;
      lines.push(`${op} ${shapes.replaceAll(' float32', '')}: ${variant} ${times}`);
    }
  }
  lines.push(
    `${calls.length} kernels tuned in ${(took / 1000).toFixed(0)} s, of which ${changed.length} take another variant ` +
      `than by rule; kept in ${place}`,
  );
  return lines;
}

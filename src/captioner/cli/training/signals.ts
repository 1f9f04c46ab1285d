import { setImmediate as eventsTurn } from 'node:timers/promises';

/** A signal ended the work between two steps of it. */
export class Interrupted extends Error {
  readonly signal: 'SIGINT' | 'SIGTERM';

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }
}

/** The exit code that shells give to a program that this signal ended: 128 and its number. */
export function exitCodeOf(signal: 'SIGINT' | 'SIGTERM'): number {
  return signal === 'SIGINT' ? 130 : 143;
}

/** Notes signals, so that work can end where it is whole. */
export interface SignalWatch {
  /** Lets signals arrive: what the CPU device computes leaves the event loop no turn. Rejects with {@link Interrupted}. */
  check(): Promise<void>;
  close(): void;
}

/** From now on Ctrl-C and SIGTERM are noted rather than obeyed; a second one ends the process at once. */
export function watchSignals(): SignalWatch {
  let noted: 'SIGINT' | 'SIGTERM' | null = null;
  const note = (signal: NodeJS.Signals): void => {
    const known = signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM';
    if (noted) process.exit(exitCodeOf(known));
    noted = known;
  };
  process.on('SIGINT', note).on('SIGTERM', note);
  return {
    async check() {
      await eventsTurn();
      if (noted) throw new Interrupted(noted);
    },
    close: () => void process.off('SIGINT', note).off('SIGTERM', note),
  };
}

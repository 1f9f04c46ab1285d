import { parseArgs } from 'node:util';

/** A command line that cannot be used; the message is one line and says what to write instead. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const deviceNames = ['lavapipe', 'swiftshader', 'system', 'cpu', 'chromium'] as const;
export type DeviceName = (typeof deviceNames)[number];

export interface Arguments {
  readonly quick: boolean;
  readonly list: boolean;
  /** Parts of names, of which a case must contain one; empty for all. */
  readonly filters: readonly string[];
  /** Null for all that there are but `chromium`. */
  readonly devices: readonly DeviceName[] | null;
  /** Headless Chromium besides. */
  readonly browser: boolean;
  /** Engines, or beginnings of their names up to a `/`; null for all. */
  readonly peers: readonly string[] | null;
  /** Thread counts of the CPU device, or null for one and all cores. */
  readonly threads: readonly number[] | null;
  readonly rounds: number | null;
  readonly budgetSeconds: number | null;
  readonly longestRunSeconds: number | null;
  readonly json: string | null;
  readonly merge: boolean;
  readonly html: string | null;
}

export const help = `npm run bench -- [OPTIONS]

Measures this engine beside others, on the same work, in one process, and compares what they compute. Installs the other
engines into bench/node_modules first. The table goes to standard output, progress to standard error.

  --quick           small cases, few runs: under a minute, to check that outputs agree
  --filter TEXT     cases whose name or group contains TEXT; may be given several times
  --device LIST     of ${deviceNames.join(', ')}; without it, all that there are
                    but chromium, with --quick the fastest adapter and cpu
  --browser         chromium too: the same in a headless browser
  --peers LIST      other engines, tfjs or tfjs/webgpu say, or none; without it, all
  --threads LIST    thread counts of the CPU device; without it, 1 and the number of cores,
                    with --quick the latter alone
  --rounds N        steady samples of every engine; 15
  --budget SECONDS  of steady samples for a case on an engine; 15. Slow engines get fewer samples
  --longest SECONDS that one run may take; what would take longer is not run; 60
  --json FILE       writes all results
  --merge           keeps what FILE holds of the same machine and this run did not measure
  --html FILE       writes a page with charts
  --list            prints the names of the cases
  --help

Exit codes: 0, 1 where outputs disagree or an engine fails, 2 for a command line that cannot be used.
`;

const options = {
  quick: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  browser: { type: 'boolean', default: false },
  filter: { type: 'string', multiple: true, default: [] as string[] },
  device: { type: 'string' },
  peers: { type: 'string' },
  threads: { type: 'string' },
  rounds: { type: 'string' },
  budget: { type: 'string' },
  longest: { type: 'string' },
  json: { type: 'string' },
  merge: { type: 'boolean', default: false },
  html: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

const listOf = (text: string) => [...new Set(text.split(',').map((word) => word.trim()))];

function devicesOf(text: string | undefined): DeviceName[] | null {
  if (text === undefined) return null;
  return listOf(text).map((name) => {
    const known = deviceNames.find((device) => device === name);
    if (!known) throw new UsageError(`--device ${name}: expected ${deviceNames.join(', ')}`);
    return known;
  });
}

function positive(flag: string, text: string, whole: boolean): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    throw new UsageError(`--${flag} ${text}: expected a ${whole ? 'whole ' : ''}number above 0`);
  }
  return value;
}

/** Parses a command line; null where it asks for help. Throws UsageError. */
export function parseArguments(line: readonly string[]): Arguments | null {
  let values: ReturnType<typeof parse>;
  try {
    values = parse(line);
  } catch (error) {
    // Node says more than one sentence for some mistakes; the first names it.
    const [first] = (error as Error).message.split(/\.?(?:\n|(?<=\.)\s)/);
    throw new UsageError(`${first.replace(/\.$/, '')}: see --help`);
  }
  if (values.help) return null;
  if (values.merge && values.json === undefined)
    throw new UsageError('--merge: give the file too, --json FILE');
  const number = (flag: 'rounds' | 'budget' | 'longest', whole: boolean) => {
    const text = values[flag];
    return text === undefined ? null : positive(flag, text, whole);
  };
  return {
    quick: values.quick,
    list: values.list,
    filters: values.filter,
    devices: devicesOf(values.device),
    browser: values.browser,
    peers: values.peers === undefined ? null : listOf(values.peers).filter((name) => name !== 'none' && name),
    threads:
      values.threads === undefined
        ? null
        : listOf(values.threads).map((count) => positive('threads', count, true)),
    rounds: number('rounds', true),
    budgetSeconds: number('budget', false),
    longestRunSeconds: number('longest', false),
    json: values.json ?? null,
    merge: values.merge,
    html: values.html ?? null,
  };
}

function parse(line: readonly string[]) {
  return parseArgs({ args: [...line], options, strict: true }).values;
}

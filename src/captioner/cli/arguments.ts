import { type ParseArgsConfig, parseArgs } from 'node:util';
import { EkphrasisError } from '../../kernels/op/errors.ts';

/** A command line that cannot be carried out as written; the command exits with 2. */
export class UsageError extends EkphrasisError {
  override readonly name = 'UsageError';
}

type Flags = NonNullable<ParseArgsConfig['options']>;

/** Splits a command line into flags and positionals (`node:util` parseArgs, strict). Throws {@link UsageError}. */
export function readArguments<const T extends Flags>(args: string[], options: T) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Node adds advice on "--" to an unknown option, which rarely is what went wrong.
    throw new UsageError(
      `${message.split('\n')[0].split('. To specify')[0].replace(/\.$/, '')}. See --help.`,
    );
  }
}

/** A flag's value as a number from `least` to `most`, whole unless `fraction` is set. */
export function numberFlag(
  flag: string,
  text: string,
  { least, most, fraction = false }: { least: number; most: number; fraction?: boolean },
): number {
  const value = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
  const whole = fraction || Number.isInteger(value);
  if (!(whole && value >= least && value <= most)) {
    const kind = fraction ? 'a number' : 'a whole number';
    throw new UsageError(`${flag} takes ${kind} from ${least} to ${most}, and "${text}" is not. See --help.`);
  }
  return value;
}

/** The value of --threads, or undefined where it was not given. */
export function threadsFlag(text: string | undefined): number | undefined {
  return text === undefined ? undefined : numberFlag('--threads', text, { least: 1, most: 256 });
}

/** A flag's value as one of a few words. */
export function choiceFlag<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const choice = choices.find((one) => one === text);
  if (choice === undefined) {
    throw new UsageError(`${flag} takes ${choices.join(', ')}, and "${text}" is none of them. See --help.`);
  }
  return choice;
}

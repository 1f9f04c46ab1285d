import { EkphrasisError } from '../../kernels/op/errors.ts';
import { UsageError } from './arguments.ts';

/** Where a command writes: results on standard output, everything else on standard error. */
export interface Terminal {
  /** Writes one result with a line end. */
  print(text: string): void;
  /** Writes one line about the run; line ends within it become blanks. */
  say(text: string): void;
  /** Set once the reader of standard output has gone; a command then stops quietly. */
  readonly closed: boolean;
}

/** The words for any thrown value, on one line. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s*[\r\n]+\s*/g, ' ');
}

/** Makes what the engine throws while something is opened an error of the command line, which exits with 2. */
export async function usable<T>(open: () => T | Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof EkphrasisError)) throw error;
    throw new UsageError(messageOf(error), { cause: error });
  }
}

function openTerminal(command: string): Terminal {
  const terminal = {
    closed: false,
    print: (text: string) => void (terminal.closed || process.stdout.write(`${text}\n`)),
    say: (text: string) => void process.stderr.write(`${command}: ${text.replace(/\s*[\r\n]+\s*/g, ' ')}\n`),
  };
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    terminal.closed = true;
    if (error.code === 'EPIPE') return;
    terminal.say(`standard output cannot be written: ${messageOf(error)}`);
    process.exitCode = 1;
  });
  // With standard error gone there is nobody left to tell.
  process.stderr.on('error', () => undefined);
  return terminal;
}

function explain(error: unknown): string {
  return error instanceof EkphrasisError ? messageOf(error) : `internal error: ${messageOf(error)}`;
}

/**
 * Runs a command to its exit code (0 done, 1 failed, 2 not carried out as written) and lets the process end by itself.
 * Whatever `main` throws becomes one line on standard error: a {@link UsageError} exits with 2, anything else with 1.
 */
export async function runCommand(
  command: string,
  main: (args: string[], terminal: Terminal) => Promise<number>,
): Promise<void> {
  const terminal = openTerminal(command);
  process.on('uncaughtException', (error) => {
    terminal.say(explain(error));
    process.exit(1);
  });
  try {
    const code = await main(process.argv.slice(2), terminal);
    process.exitCode ||= code;
  } catch (error) {
    terminal.say(explain(error));
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}

import { EkphrasisError } from '../../kernels/op/errors.ts';
import { UsageError } from './arguments.ts';
import { whyNotWritten } from './writing.ts';

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

/**
 * A text as one line without what a terminal would obey: control characters, which a file's name or a word of a model may
 * hold, and those that turn the direction of writing, as \\u001b.
 */
export function printable(text: string): string {
  return escaped(text, /[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu);
}

function escaped(text: string, pattern: RegExp): string {
  return text.replace(pattern, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same of a text whose line ends and tabs are meant. */
function printableLines(text: string): string {
  return escaped(text, /(?![\n\t])[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu);
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
    print: (text: string) => void (terminal.closed || process.stdout.write(`${printableLines(text)}\n`)),
    say: (text: string) =>
      void process.stderr.write(`${command}: ${printable(text.replace(/\s*[\r\n]+\s*/g, ' '))}\n`),
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
  if (error instanceof EkphrasisError) return messageOf(error);
  // The system refused a file: no fault of the program.
  if (error instanceof Error && 'code' in error && 'syscall' in error) {
    const path = 'path' in error ? String(error.path) : String(error.syscall);
    return `${path} cannot be used ${whyNotWritten(error)}`;
  }
  return `internal error: ${messageOf(error)}`;
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

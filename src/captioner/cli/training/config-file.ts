import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Flags, readArguments, UsageError } from '../arguments.ts';
import { reasonOf } from '../files.ts';
import { FLAGS } from './flags.ts';

/** Settings by the names of their flags, as a file of --config and training.json hold them. */
export type Config = Readonly<Record<string, string | number | boolean | readonly (string | number)[]>>;

/** Flags that say what to do now and not how a model is made. */
const ofTheMoment: readonly string[] = ['config', 'resume', 'force', 'average', 'version', 'help'];

/** Flags that a resumed training takes from its command line; the others are those that it began with. */
const ofTheRun: readonly string[] = [
  ...['data', 'text', 'out', 'encoder', 'cache', 'threads', 'device'],
  ...['checkpoint-minutes', 'plot', 'teacher'],
];

/** The command line's values, and for what it does not name those of the file that --config names. */
export function readValues(args: string[]) {
  return readConfigured(args, FLAGS);
}

/** The same for a command of other flags, `config`, `help` and `version` among them. */
export function readConfigured<const T extends Flags>(args: string[], flags: T) {
  const given = readArguments(args, flags);
  const { config, help, version }: { config?: unknown; help?: unknown; version?: unknown } = given.values;
  if (typeof config !== 'string' || help || version) return given;
  const named = (name: string) => args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  const fromFile = Object.entries(readConfig(config)).flatMap(([name, value]) =>
    named(name) ? [] : argumentsOf(config, flags, name, value),
  );
  return readArguments([...fromFile, ...args], flags);
}

/** Whether a command line, or the file that its --config names, has a setting. */
export function isSet(args: string[], name: string): boolean {
  if (args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`))) return true;
  const options = {
    config: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  } as const;
  const { config, help, version } = parseArgs({ args, options, strict: false }).values;
  return typeof config === 'string' && !help && !version && Object.hasOwn(readConfig(config), name);
}

/** The object in the file, or the part `config` of a training.json or a fine-tuning.json. */
function readConfig(file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? `is not JSON (${error.message})` : reasonOf(error);
    throw new UsageError(`--config ${file} ${reason}. Name a JSON file with settings by their flags' names.`);
  }
  const report = isObject(value) && formats.includes(value.format) ? value : null;
  const config = report ? report.config : value;
  if (isObject(config)) return config;
  throw new UsageError(
    report
      ? `--config ${file} was written by a version that did not keep the settings in it; write them into a file of their own.`
      : `--config ${file} holds no object; expected {"flag": value, …} with the flags' names without the dashes.`,
  );
}

/** What a report says that it is. */
const formats: readonly unknown[] = ['ekphrasis-training', 'ekphrasis-fine-tuning'];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function argumentsOf(file: string, flags: Flags, name: string, value: unknown): string[] {
  const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (!flag || ofTheMoment.includes(name)) {
    throw new UsageError(
      `--config ${file}: "${name}" is no setting of a training. See --help for those there are.`,
    );
  }
  const isText = (one: unknown) => typeof one === 'string' || typeof one === 'number';
  const values = flag.multiple && Array.isArray(value) ? value : [value];
  if (flag.type === 'boolean' ? typeof value !== 'boolean' : !values.every(isText)) {
    const expected = flag.type === 'boolean' ? 'true or false' : 'a text or a number';
    throw new UsageError(
      `--config ${file}: "${name}" is ${JSON.stringify(value)}; expected ${expected}${flag.multiple ? ', or a list of them' : ''}.`,
    );
  }
  if (flag.type === 'boolean') return value === true ? [`--${name}`] : [];
  return values.map((one) => `--${name}=${one}`);
}

/** The configuration of a training as a file of --config has it, defaults included. */
export function configOfValues(
  values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
): Config {
  const config: Record<string, string | number | boolean | (string | number)[]> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || ofTheMoment.includes(name)) continue;
    if (typeof value === 'boolean') config[name] = value;
    else config[name] = typeof value === 'string' ? asNumber(value) : value.map(asNumber);
  }
  return config;
}

/** The configuration of a resumed training. */
export function resumedConfig(began: Config, now: Config): Config {
  const own = Object.entries(now).filter(([name]) => ofTheRun.includes(name));
  return { ...began, ...Object.fromEntries(own) };
}

const asNumber = (text: string): string | number => (String(Number(text)) === text ? Number(text) : text);

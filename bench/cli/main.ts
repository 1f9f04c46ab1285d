/** `npm run bench`: from the command line to tables and files. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { allCases } from '../cases/index.ts';
import { engineNames } from '../engines/index.ts';
import { fullMethod, type Method, quickMethod } from '../measure/method.ts';
import { htmlPage } from '../report/html.ts';
import { ours, withoutThreads } from '../report/ratios.ts';
import {
  type DeviceOutcome,
  type Machine,
  type Results,
  resultsFormat,
  resultsVersion,
} from '../report/results.ts';
import { formatResults, mergeResults, parseResults, ResultsError } from '../report/results-file.ts';
import { deviceTable, failures } from '../report/table.ts';
import { targetLines } from '../report/target-lines.ts';
import { judgeTargets } from '../targets.ts';
import type { Case } from '../workload.ts';
import { type Arguments, help, parseArguments, UsageError } from './arguments.ts';
import { currentCommit, describeMachine, packageVersions } from './machine.ts';
import { measureDevice, type Plan, type Target } from './measure-device.ts';
import { browserTargets, type Chromium } from './measuring-page.ts';
import { installPeers, peersInstalled } from './peers.ts';
import { type Progress, progressTo } from './progress.ts';
import { type Adapters, targetsOfMachine } from './targets-of-machine.ts';

/** What the command is given by the script that built it. */
export interface Surroundings extends Adapters {
  /** Builds the measuring process and returns its file. */
  buildMeasuring(parts: { readonly roofline: boolean }): Promise<string>;
  /** Builds the measuring page and returns its folder. */
  buildPage(parts: { readonly roofline: boolean }): Promise<string>;
  findChromium(): Promise<Chromium | undefined>;
}

const print = (lines: readonly string[]) => process.stdout.write(`${lines.join('\n')}\n`);

function chooseCases({ quick, filters }: Arguments): Case[] {
  const cases = allCases().filter(
    ({ name, group }) =>
      filters.length === 0 || filters.some((text) => name.includes(text) || group.includes(text)),
  );
  if (cases.length === 0) {
    throw new UsageError(
      `--filter ${filters.join(' --filter ')}: no case has such a name; --list prints all`,
    );
  }
  const chosen = quick ? cases.filter((one) => one.quick) : cases;
  if (chosen.length === 0) {
    throw new UsageError(
      `--quick --filter ${filters.join(' --filter ')}: --quick has no such case; leave it out`,
    );
  }
  return chosen;
}

/** The names of engines to open; null for all. Throws UsageError for one that no device has. */
function chooseEngines(
  peers: readonly string[] | null,
  targets: readonly Target[],
): readonly string[] | null {
  if (peers === null) return null;
  const known = targets.flatMap(({ kind: device, threads }) =>
    engineNames({ device, threads: threads ?? undefined }),
  );
  const chosen = peers.flatMap((peer) => {
    const meant = known.filter((name) => [name, withoutThreads(name), name.split('/')[0]].includes(peer));
    if (meant.length > 0) return meant;
    throw new UsageError(`--peers ${peer}: expected ${[...new Set(known)].sort().join(', ')}, or none`);
  });
  return [ours, ...chosen];
}

function chooseMethod({ quick, rounds, budgetSeconds, longestRunSeconds }: Arguments): Method {
  const method = quick ? quickMethod : fullMethod;
  return {
    ...method,
    rounds: rounds ?? method.rounds,
    budgetSeconds: budgetSeconds ?? method.budgetSeconds,
    longestRunSeconds: longestRunSeconds ?? method.longestRunSeconds,
  };
}

/** What `--merge` adds to; null without it. Read first, so that nothing is measured in vain. */
function earlierResults({ json, merge }: Arguments): Results | null {
  if (!merge || json === null || !existsSync(json)) return null;
  return parseResults(readFileSync(json, 'utf8'), json);
}

function writeReports({ json, html }: Arguments, results: Results): void {
  const targets = judgeTargets(results);
  if (json !== null) writeFileSync(json, formatResults(results, { targets }));
  if (html !== null) writeFileSync(html, htmlPage(results, targets));
}

/** All devices that were asked for, and a function that ends what they need. */
async function chooseTargets(given: Arguments, surroundings: Surroundings, machine: Machine) {
  const parts = { roofline: !given.quick };
  const file = await surroundings.buildMeasuring(parts);
  const targets = await targetsOfMachine(given, machine, surroundings, file);
  if (!given.browser && !given.devices?.includes('chromium')) return { targets, close: async () => {} };
  const chromium = await surroundings.findChromium();
  if (!chromium) throw new UsageError('--browser: no Chromium runs on this machine; `npm run setup` helps');
  const { state, info } = await surroundings.probeAdapter('system');
  const adapter = state === 'works' && !info?.software ? 'system' : 'swiftshader';
  const browser = await browserTargets(chromium, await surroundings.buildPage(parts), adapter, machine);
  return { targets: [...targets, ...browser.targets], close: browser.close };
}

/** Measures on every device and returns the exit code. `keep` hears of all that is measured so far. */
async function measure(
  targets: readonly Target[],
  plan: Omit<Plan, 'keep'>,
  progress: Progress,
  keep: (devices: readonly DeviceOutcome[]) => void,
): Promise<number> {
  const devices: DeviceOutcome[] = [];
  for (const target of targets) {
    const outcome = await measureDevice(target, { ...plan, keep: (soFar) => keep([...devices, soFar]) });
    devices.push(outcome);
    keep(devices);
    progress.clear();
    print([...deviceTable(outcome), '']);
  }
  const judged = judgeTargets({ devices }).filter(({ of }) => of > 0);
  if (judged.length > 0 && !plan.method.quick) print([...targetLines(judged), '']);
  const wrong = devices.flatMap(failures);
  print(wrong.length ? wrong : [agreement(devices)]);
  return wrong.length ? 1 : 0;
}

async function run(given: Arguments, surroundings: Surroundings): Promise<number> {
  const cases = chooseCases(given);
  if (given.list) {
    print(cases.map(({ name, group }) => `${name}  (${group})`));
    return 0;
  }
  const earlier = earlierResults(given);
  const progress = progressTo(process.stderr);
  if (!peersInstalled()) {
    progress.say('installing the other engines into bench/node_modules');
    installPeers();
  }
  progress.say('building');
  const machine = describeMachine();
  const { targets, close } = await chooseTargets(given, surroundings, machine);
  const method = chooseMethod(given);
  const commit = currentCommit();
  const packages = packageVersions();
  const resultsOf = (devices: readonly DeviceOutcome[]): Results => {
    const date = new Date().toISOString();
    const head = { format: resultsFormat, version: resultsVersion, date, commit } as const;
    const measured = { ...head, machine, packages, method, devices };
    return earlier ? mergeResults(earlier, measured) : measured;
  };
  try {
    const names = chooseEngines(given.peers, targets);
    const plan = { cases, method, names, commit, progress: progress.say };
    return await measure(targets, plan, progress, (devices) => writeReports(given, resultsOf(devices)));
  } finally {
    await close();
  }
}

/** How much was compared, since a run that compared nothing must not look like one in which all agreed. */
function agreement(devices: readonly DeviceOutcome[]): string {
  const all = devices.flatMap(({ cases }) => cases);
  const compared = all.filter(({ difference }) => difference !== null);
  return `${compared.length} of ${all.length} cases have outputs of two engines or more, and all agree`;
}

/** Runs a command line and returns its exit code. */
export async function main(line: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    const given = parseArguments(line);
    if (given) return await run(given, surroundings);
    process.stdout.write(help);
    return 0;
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ResultsError)) throw error;
    console.error(`bench: ${error.message}`);
    return 2;
  }
}
